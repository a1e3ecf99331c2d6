"""Whether Snowflake lets this user in, to what the settings name, and whether an administrator has set it up."""

from functools import partial

from vending_platform.environment import Environment
from vending_platform.health import HealthCheck
from vending_platform.warehouse.snowflake.account import check_account
from vending_platform.warehouse.snowflake.session import Connect, connector
from vending_platform.warehouse.snowflake.settings import SnowflakeSettings, private_key_of, settings_in
from vending_platform.warehouse.snowflake.setup import check_setup, check_stage

_LOGIN_SECONDS = 20


def health_checks(environment: Environment, needs: tuple[str, ...]) -> list[HealthCheck]:
    settings = settings_in(environment)
    connect = connector(
        settings,
        partial(private_key_of, environment),
        {"purpose": "vending doctor"},
        endpoint=environment.warehouse_endpoint,
        login_seconds=_LOGIN_SECONDS,
    )
    work_url = environment.places.work
    return [
        HealthCheck("Snowflake", partial(_connection, connect, environment.name, settings), needs),
        HealthCheck("Snowflake's set-up", partial(_setup, connect), ("Snowflake",)),
        HealthCheck("Snowflake's stage", partial(_stage, connect, work_url), ("Snowflake's set-up",)),
    ]


def _connection(connect: Connect, environment: str, settings: SnowflakeSettings) -> str:
    with connect() as connection:
        check_account(connection, environment, settings)
    names = ("account", "role", "database", "warehouse")
    return ", ".join(f"{name} {getattr(settings, name)}" for name in names)


def _setup(connect: Connect) -> str:
    check_setup(connect)
    return "schemas and tables are there"


def _stage(connect: Connect, work_url: str) -> str:
    check_stage(connect, work_url)
    return f"leads to {work_url}, and Snowflake can read it"
