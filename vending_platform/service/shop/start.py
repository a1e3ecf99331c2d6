"""The shop's application of an environment, made from its settings: for the server and for Lambda alike."""

from fastapi import FastAPI

from vending_platform.environment import DatabaseApiSettings, Environment, SettingsError
from vending_platform.service.login import ServiceEntrance, access_to
from vending_platform.service.mysql import database_of
from vending_platform.service.shop.application import create_shop
from vending_platform.service.shop.reach import SHOP_PERMISSIONS
from vending_platform.service.web import Permission, RequestLimits

SHOP = "shop"


def shop_app(environment: Environment) -> FastAPI:
    settings = shop_settings(environment)
    entrance = ServiceEntrance(
        keys_secret=settings.keys_secret,
        groups={
            f"{environment.domain}-{SHOP}-customers": frozenset({Permission.READ, Permission.WRITE}),
            f"{environment.domain}-{SHOP}-staff": SHOP_PERMISSIONS,
        },
        permissions=SHOP_PERMISSIONS,
        limits=RequestLimits(per_second=settings.per_second, burst=settings.burst),
    )
    return create_shop(database_of(SHOP, settings, environment.aws), access_to(environment, entrance))


def shop_settings(environment: Environment) -> DatabaseApiSettings:
    settings = environment.database_apis.get(SHOP)
    if settings is None:
        raise SettingsError(
            f"{environment.domain} declares no API {SHOP!r}: write it under database_apis in environments.yml"
        )
    return settings
