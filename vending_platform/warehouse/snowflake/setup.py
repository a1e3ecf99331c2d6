"""What a database needs: how an administrator makes it (docs/snowflake-setup.sql), and whether it is there."""

from vending_platform.warehouse.interface import TableName, WarehouseError, literal, quoted
from vending_platform.warehouse.lease import RESERVATION
from vending_platform.warehouse.snowflake.session import Connect, session
from vending_platform.warehouse.snowflake.stage import FOLDER, STAGE

PUBLICATIONS = TableName("raw", "_publications")
STORAGE_INTEGRATION = "VENDING_STORAGE"
SCHEMAS = ("raw", "staging", "intermediate", "marts", "dq")
_SCRIPT = "docs/snowflake-setup.sql makes it"


def setup_statements(work_url: str) -> tuple[str, ...]:
    """The statements that make a database usable; a second time they change nothing. An administrator runs them, among
    others, from docs/snowflake-setup.sql."""
    return (
        *(f"create schema if not exists {quoted(schema)}" for schema in SCHEMAS),
        f"create stage if not exists {STAGE} url = '{work_url}/{FOLDER}/' storage_integration = {STORAGE_INTEGRATION}",
        f"create table if not exists {RESERVATION} as select cast('' as varchar) as holder,"
        " cast('' as varchar) as purpose, current_timestamp() as taken_at, current_timestamp() as ends_at",
        f"create table if not exists {PUBLICATIONS} as select cast(0 as number(38, 0)) as number",
    )


def check_setup(connect: Connect) -> None:
    """Returns if the schemas and the platform's own tables are there."""
    tables = [table.name.upper() for table in (RESERVATION, PUBLICATIONS)]
    schemas = [schema.upper() for schema in SCHEMAS]
    with session(connect) as opened:
        found = opened.query(
            f"select schema_name from information_schema.schemata where schema_name in ({_listed(schemas)})"
        )[0].to_pylist()
        found += opened.query(
            f"select table_name from information_schema.tables"
            f" where table_schema = '{RESERVATION.schema.upper()}' and table_name in ({_listed(tables)})"
        )[0].to_pylist()
    if missing := [name for name in (*schemas, *tables) if name not in found]:
        raise WarehouseError(f"missing, or not granted to this role: {', '.join(missing)}; {_SCRIPT}")


def check_stage(connect: Connect, work_url: str) -> None:
    """Returns if the stage leads to the place of work in flight, and Snowflake can read that."""
    from snowflake.connector.errors import Error

    wanted = f"{work_url}/{FOLDER}/"
    with session(connect) as opened:
        found = opened.query(
            "select stage_url from information_schema.stages"
            f" where stage_schema = '{STAGE.schema.upper()}' and stage_name = '{STAGE.name.upper()}'"
        )
        if not found.num_rows:
            raise WarehouseError(f"the stage {STAGE} is missing, or not granted to this role: {_SCRIPT}")
        if (url := found[0][0].as_py()) != wanted:
            raise WarehouseError(
                f"the stage {STAGE} leads to {url}, and batches are written to {wanted}: drop it, and {_SCRIPT} again"
            )
        try:
            opened.run(f"list @{STAGE}/doctor/")
        except Error as error:
            raise WarehouseError(
                f"Snowflake can't read {wanted} ({error.msg}): the role of the storage integration "
                f"{STORAGE_INTEGRATION} needs s3:ListBucket and s3:GetObject there, and has to trust Snowflake"
            ) from error


def _listed(names: list[str]) -> str:
    return ", ".join(map(literal, names))
