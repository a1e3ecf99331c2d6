"""What a database needs: how an administrator makes it (docs/redshift-setup.sql), and whether it is there."""

from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.lease import RESERVATION
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.writer import PUBLICATIONS

_SCRIPT = "docs/redshift-setup.sql makes it"


def setup_statements() -> tuple[str, ...]:
    """The statements that make a database usable; a second time they change nothing. An administrator runs them, among
    others, from docs/redshift-setup.sql."""
    return (
        f"create schema if not exists {quoted(RESERVATION.schema)}",
        f"create table if not exists {RESERVATION}"
        " (holder varchar(64), purpose varchar(65535), taken_at timestamp, ends_at timestamp)",
        f"create table if not exists {PUBLICATIONS} (number bigint)",
        f"insert into {RESERVATION} select '', '', getdate(), getdate() where not exists (select 1 from {RESERVATION})",
        f"insert into {PUBLICATIONS} select 0 where not exists (select 1 from {PUBLICATIONS})",
    )


def is_set_up(api: DataApi) -> bool:
    return not _missing(api)


def check_setup(api: DataApi) -> None:
    """Returns if the platform's own tables are there."""
    if missing := _missing(api):
        raise WarehouseError(f"missing, or not granted to this role: {', '.join(missing)}; {_SCRIPT}")


def _missing(api: DataApi) -> list[str]:
    own: tuple[TableName, ...] = (RESERVATION, PUBLICATIONS)
    found = api.query(
        "select table_name from information_schema.tables"
        " where table_schema = :schema and table_name in (:one, :other)",
        {"schema": RESERVATION.schema, "one": RESERVATION.name, "other": PUBLICATIONS.name},
    )
    return [table.plain for table in own if table.name not in found["table_name"].to_pylist()]
