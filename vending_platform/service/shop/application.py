"""The shop's application: its endpoints over its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from vending_platform.service.login import Access
from vending_platform.service.mysql import MySqlDatabase
from vending_platform.service.shop.customers import customer_endpoints
from vending_platform.service.shop.order_endpoints import order_endpoints
from vending_platform.service.shop.product_endpoints import product_endpoints
from vending_platform.service.shop.subscription_endpoints import subscription_endpoints
from vending_platform.service.web import new_app
from vending_platform.service.web.session_endpoints import session_endpoints


def create_shop(database: MySqlDatabase, access: Access) -> FastAPI:
    """The pool of the database belongs to no lifespan: in Lambda there is none that lasts."""

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        yield
        await database.close()

    app = new_app("The shop", access.settings, readiness=[database.last_failure], running=running)
    app.state.database = database
    for endpoints in (product_endpoints, customer_endpoints, order_endpoints, subscription_endpoints):
        app.include_router(endpoints(database))
    app.include_router(session_endpoints(access.keys))
    return app
