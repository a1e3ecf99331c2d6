"""Tables and their columns: which types they have, and the statements that give them others."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.redshift.data_api import MOST_STATEMENTS, DataApi

Columns = dict[str, str]
"""The type of each column, by its name."""
TEXT = "varchar(65535)"
"""The longest: the length counts bytes, and nothing is saved by a shorter one."""
LONGEST_TEXT = 65_535
_TYPES = {
    pa.string(): TEXT,
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
}
_OTHER_NAMES = {
    "character varying": TEXT,
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}


def ensure_tables(api: DataApi, tables: Mapping[TableName, pa.Schema]) -> None:
    """Nothing runs before every statement is known to be possible; a table is changed in one transaction."""
    schemas = sorted({table.schema for table in tables})
    existing = existing_tables(api, schemas)
    groups = [[f"create schema if not exists {quoted(schema)}"] for schema in _missing(api, schemas)]
    for table, schema in tables.items():
        has, wanted = existing.get(table, {}), columns_of(schema)
        groups.append(
            _altered(api, table, has, wanted) if has else [f"create table if not exists {table} ({declared(wanted)})"]
        )
    together: list[str] = []
    for statements in groups:
        if len(together) + len(statements) > MOST_STATEMENTS:
            api.run_together(together)
            together = []
        together += statements
    if together:
        api.run_together(together)


def _altered(api: DataApi, table: TableName, has: Columns, wanted: Columns) -> list[str]:
    statements = []
    for name, kind in wanted.items():
        if name not in has:
            statements.append(f"alter table {table} add column {quoted(name)} {kind}")
        elif has[name] != kind:
            statements += _changed(api, table, name, has[name], kind)
    return statements


def rename_column(api: DataApi, table: TableName, old: str, new: str) -> None:
    """Nothing, where that is done or there is no such column."""
    columns = existing_tables(api, [table.schema]).get(table, {})
    if old in columns and new not in columns:
        api.run(f"alter table {table} rename column {quoted(old)} to {quoted(new)}")


def columns_of(schema: pa.Schema) -> Columns:
    return {field.name: type_of(field.type) for field in schema}


def declared(columns: Columns) -> str:
    """As they stand in the parentheses of `create table`."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())


def existing_tables(api: DataApi, schemas: Iterable[str]) -> dict[TableName, Columns]:
    names = {f"schema_{number}": schema for number, schema in enumerate(sorted(schemas))}
    found = api.query(
        "select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale"
        f" from information_schema.columns where table_schema in ({', '.join(f':{name}' for name in names)})"
        " order by table_name, ordinal_position",
        names,
    )
    tables: dict[TableName, Columns] = {}
    for schema, table, column, kind, precision, scale in zip(*map(pa.ChunkedArray.to_pylist, found), strict=True):
        kind = f"decimal({precision},{scale})" if kind == "numeric" else _OTHER_NAMES.get(kind, kind)
        tables.setdefault(TableName(schema, table), {})[column] = kind
    return tables


def type_of(arrow: pa.DataType) -> str:
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    return _TYPES[arrow]


def _missing(api: DataApi, schemas: list[str]) -> list[str]:
    names = {f"schema_{number}": schema for number, schema in enumerate(schemas)}
    found = api.query(
        "select schema_name from information_schema.schemata"
        f" where schema_name in ({', '.join(f':{name}' for name in names)})",
        names,
    )
    return [schema for schema in schemas if schema not in found["schema_name"].to_pylist()]


def _changed(api: DataApi, table: TableName, name: str, old: str, new: str) -> list[str]:
    """A new column in the place of the old one: Redshift changes no type but the length of a text."""
    aside, column = quoted(f"_was_{name}"), quoted(name)
    is_empty = not api.query(f"select 1 as found from {table} limit 1").num_rows
    if not (is_empty or _fits(old, new)):
        raise WarehouseError(
            f"column {name} of {table.plain} is {old} and should become {new}, which Redshift does only with an empty"
            " table"
        )
    return [
        f"alter table {table} rename column {column} to {aside}",
        f"alter table {table} add column {column} {new}",
        *([] if is_empty else [f"update {table} set {column} = {aside}"]),
        f"alter table {table} drop column {aside}",
    ]


def _fits(old: str, new: str) -> bool:
    """Whether the new type holds all that the old one can: a number with as many decimals and more digits."""
    if not (old.startswith("decimal(") and new.startswith("decimal(")):
        return False
    (old_digits, old_scale), (new_digits, new_scale) = (kind[8:-1].split(",") for kind in (old, new))
    return old_scale == new_scale and int(old_digits) < int(new_digits)
