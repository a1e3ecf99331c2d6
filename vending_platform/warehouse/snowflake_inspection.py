"""Whether an administrator has set a database up (docs/snowflake-setup.sql): looked at without changing it."""

from vending_platform.warehouse.interface import WarehouseError, literal
from vending_platform.warehouse.snowflake import PUBLICATIONS, SCHEMAS, STORAGE_INTEGRATION
from vending_platform.warehouse.snowflake_lease import RESERVATION
from vending_platform.warehouse.snowflake_session import Connect, session
from vending_platform.warehouse.snowflake_stage import FOLDER, STAGE

_SCRIPT = "docs/snowflake-setup.sql makes it"


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
        raise WarehouseError(f"not there, or not for this role: {', '.join(missing)}; {_SCRIPT}")


def check_stage(connect: Connect, work_url: str) -> None:
    """Returns if the stage leads to the place of work in flight, and Snowflake can look there."""
    from snowflake.connector.errors import Error

    wanted = f"{work_url}/{FOLDER}/"
    with session(connect) as opened:
        found = opened.query(
            "select stage_url from information_schema.stages"
            f" where stage_schema = '{STAGE.schema.upper()}' and stage_name = '{STAGE.name.upper()}'"
        )
        if not found.num_rows:
            raise WarehouseError(f"there is no stage {STAGE}, or not for this role: {_SCRIPT}")
        if (url := found[0][0].as_py()) != wanted:
            raise WarehouseError(
                f"the stage {STAGE} leads to {url}, and batches are written to {wanted}: drop it, and {_SCRIPT} anew"
            )
        try:
            opened.run(f"list @{STAGE}/doctor/")
        except Error as error:
            raise WarehouseError(
                f"Snowflake can't look into {wanted} ({error.msg}): the role of the storage integration "
                f"{STORAGE_INTEGRATION} needs s3:ListBucket and s3:GetObject there, and has to trust Snowflake"
            ) from error


def _listed(names: list[str]) -> str:
    return ", ".join(map(literal, names))
