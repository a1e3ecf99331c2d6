"""Tables and their columns: which types they have, and the statements that give them others."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from vending_platform.warehouse.interface import TableName, WarehouseError, literal, quoted
from vending_platform.warehouse.snowflake.session import Session
from vending_platform.warehouse.snowflake.setup import SCHEMAS

Columns = dict[str, str]
"""The type of each column, by its name in upper case."""


def ensure_tables(session: Session, tables: Mapping[TableName, pa.Schema]) -> None:
    """DDL is not part of a transaction, so nothing runs before every statement is known to be possible."""
    existing = _existing(session, {table.schema for table in tables})
    known = {*SCHEMAS, *(table.schema for table in existing)}
    statements = [
        f"create schema if not exists {quoted(schema)}" for schema in sorted({t.schema for t in tables} - known)
    ]
    for table, schema in tables.items():
        has, wanted = existing.get(table, {}), columns_of(schema)
        changed = [name for name in wanted.keys() & has.keys() if not _fits(has[name], wanted[name])]
        if not has:
            statements.append(f"create table if not exists {table} ({declared(wanted)})")
        elif changed:
            _refuse_unless_empty(session, table, changed[0], has, wanted)
            statements.append(f"create or replace table {table} ({declared(has | wanted)}) copy grants")
        else:
            statements += [
                f"alter table {table} add column {quoted(name)} {kind}"
                if name not in has
                else f"alter table {table} alter column {quoted(name)} set data type {kind}"
                for name, kind in wanted.items()
                if has.get(name) != kind
            ]
    for statement in statements:
        session.run(statement)


def rename_column(session: Session, table: TableName, old: str, new: str) -> None:
    """Nothing, where that is done or there is no such column."""
    columns = _existing(session, [table.schema]).get(table, {})
    if old.upper() in columns and new.upper() not in columns:
        session.run(f"alter table {table} rename column {quoted(old)} to {quoted(new)}")


def columns_of(schema: pa.Schema) -> Columns:
    return {field.name.upper(): _type(field.type) for field in schema}


def declared(columns: Columns) -> str:
    """As they stand in the parentheses of `create table`."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())


def _existing(session: Session, schemas: Iterable[str]) -> dict[TableName, Columns]:
    found = session.query(
        "select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale"
        " from information_schema.columns"
        f" where table_schema in ({', '.join(literal(schema.upper()) for schema in sorted(schemas))})"
        " order by table_name, ordinal_position"
    )
    tables: dict[TableName, Columns] = {}
    for schema, table, column, kind, precision, scale in zip(*map(pa.ChunkedArray.to_pylist, found), strict=True):
        kind = {"TEXT": "VARCHAR", "NUMBER": f"NUMBER({precision},{scale})"}.get(kind, kind)
        tables.setdefault(TableName(schema.lower(), table.lower()), {})[column] = kind
    return tables


def _refuse_unless_empty(session: Session, table: TableName, name: str, has: Columns, wanted: Columns) -> None:
    if session.query(f"select 1 as found from {table} limit 1").num_rows:
        raise WarehouseError(
            f"column {name.lower()} of {table.schema}.{table.name} is {has[name]} and should become {wanted[name]},"
            " which Snowflake does only with an empty table"
        )


def _fits(old: str, new: str) -> bool:
    """Whether a column can take the type in place: the same type, or a number with as many decimals and more digits."""
    if old == new:
        return True
    if not (old.startswith("NUMBER(") and new.startswith("NUMBER(")):
        return False
    (old_digits, old_scale), (new_digits, new_scale) = (kind[7:-1].split(",") for kind in (old, new))
    return old_scale == new_scale and int(old_digits) < int(new_digits)


def _type(arrow: pa.DataType) -> str:
    """As Snowflake's own information schema calls it. A timestamp keeps its zone, so that it is shown as the same
    moment whatever time zone a reader's session has."""
    if pa.types.is_decimal(arrow):
        return f"NUMBER({arrow.precision},{arrow.scale})"
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMP_TZ" if arrow.tz else "TIMESTAMP_NTZ"
    return {
        pa.string(): "VARCHAR",
        pa.int64(): "NUMBER(38,0)",
        pa.float64(): "FLOAT",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
    }[arrow]
