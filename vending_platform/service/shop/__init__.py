"""The web shop over HTTP: products, customers' own data, orders and subscriptions, in the shop's database.

`application.create_shop` makes the application, `start.shop_app` from an environment's settings. A change is made once
(`changes`), whatever is sent again, killed or lost on the way.
"""
