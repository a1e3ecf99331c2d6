"""A believable web shop from a seed number, in a MySQL or MariaDB, with the truth about it.

>>> shop = simulate(goods_of(Path("data/sources/products.csv")), seed=1)  # doctest: +SKIP
>>> fill(connection, shop)  # doctest: +SKIP

`simulation` has the rules of the game, `filling` writes a shop into an empty database, `living` goes on with it:
updates, late commits, deletes and changed tables. Nothing here shares code with the platform.
"""

from shop_simulator.filling import SCHEMA, fill
from shop_simulator.living import forget_customer, late_order, new_column, one_more_day
from shop_simulator.simulation import Good, Shop, goods_of, simulate

__all__ = [
    "SCHEMA",
    "Good",
    "Shop",
    "fill",
    "forget_customer",
    "goods_of",
    "late_order",
    "new_column",
    "one_more_day",
    "simulate",
]
