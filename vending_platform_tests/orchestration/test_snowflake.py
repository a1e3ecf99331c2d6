"""Dagster's own Snowflake resource gives the warehouse its connections."""

from dagster_snowflake import SnowflakeResource

from vending_platform.warehouse import Change
from vending_platform.warehouse.snowflake import SnowflakeWarehouse
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.keys import private_key
from vending_platform_tests.warehouse.tables import ROWS, SALES, SCHEMA, ignore, nobody, rows_of, table_of


def test_a_warehouse_works_with_the_connections_of_the_resource(account: Account) -> None:
    settings, emulator = account.settings, account.emulator.connection_arguments
    resource = SnowflakeResource(
        account=settings.account,
        user=settings.user,
        role=settings.role,
        database=settings.database,
        warehouse=settings.warehouse,
        private_key=private_key(),
        additional_snowflake_connection_args={name: emulator[name] for name in ("host", "port", "protocol")},
    )
    with SnowflakeWarehouse(resource.get_connection, account.work, account.work_url).writing("test", nobody) as writer:
        writer.ensure_tables({SALES: SCHEMA})
        writer.publish([Change(SALES, insert=table_of(ROWS))], ignore)
        assert rows_of(writer) == sorted(ROWS)
