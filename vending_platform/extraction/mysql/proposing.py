"""A first contract for every table of a database, for a person to read, change and commit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.extraction.interface import ExtractionError
from vending_platform.extraction.mysql.columns import ServerColumn, columns_of, text
from vending_platform.extraction.mysql.connection import MySqlSession

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_PERSONAL = re.compile(r"name|mail|phone|tel|address|birth|postal|zip|password|secret|token|ip\b", re.IGNORECASE)
_WHOLE = re.compile(r"tinyint|smallint|mediumint|int|bigint|year|bit")
_MARK = "is_deleted"


@dataclass(frozen=True)
class _Table:
    name: str
    comment: str
    columns: list[ServerColumn]
    key: list[str]


def proposal(session: MySqlSession, database: str) -> str:
    """YAML of a dbt source with a table for each of the database's that has a key."""
    tables = list(_tables(session))
    if not tables:
        raise ExtractionError(f"{session.target} has no table that its user may read")
    without_key = [table.name for table in tables if not table.key]
    source = {
        "name": database,
        "description": f"Tables of the database {database}.",
        "schema": "raw",
        "tables": [_declared(database, table) for table in tables if table.key],
    }
    head = (
        f"# Proposed from {session.target}. Read it: which columns are personal, what the times mean,\n"
        "# and which tables are needed at all. Then commit it, with a model for each table.\n"
    )
    for name in without_key:
        head += f"# Left out: {name} has no primary key and no unique one, so its rows can't be distinguished.\n"
    written: str = yaml.dump(
        {"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    return head + written


def _tables(session: MySqlSession) -> Iterator[_Table]:
    schema = text(session.target.database)
    rows = session.query(
        "select table_name, table_comment from information_schema.tables"
        f" where table_schema = {schema} and table_type = 'BASE TABLE' order by table_name"
    )
    for name, comment in rows:
        keys = session.query(
            "select index_name, column_name, nullable from information_schema.statistics"
            f" where table_schema = {schema} and table_name = {text(name)} and non_unique = 0"
            " order by index_name <> 'PRIMARY', index_name, seq_in_index"
        )
        by_index: dict[str, list[tuple[str, bool]]] = {}
        for index, column, nullable in keys:
            by_index.setdefault(index, []).append((column, nullable == "YES"))
        usable = [parts for parts in by_index.values() if not any(nullable for _, nullable in parts)]
        key = [column for column, _ in usable[0]] if usable else []
        yield _Table(name, comment, columns_of(session, name), key)


def _declared(database: str, table: _Table) -> dict[str, Any]:
    names = _names(table.columns)
    watermark = next((column for column in table.columns if _is_kept_by_server(column)), None)
    name = _identifier(table.name)
    files: dict[str, Any] = {
        "names": [
            f"{database}/{name}_{{yyyymmdd}}.parquet" if watermark is None else f"{database}/{name}_{{any}}.parquet"
        ],
        "delivery": "snapshot" if watermark is None else "append",
        "format": "parquet",
        "key": [names[column] for column in table.key],
    }
    extract: dict[str, Any] = {"database": database, "table": table.name}
    columns = [_column(column, names[column.name], column.name in table.key) for column in table.columns]
    if watermark is not None:
        extract |= {"watermark": names[watermark.name], "overlap": "2h", "compare_keys": "7d", "deleted": _MARK}
        description = "Whether the row was deleted; it stands here as it was last."
        columns.append({"name": _MARK, "description": description, "data_type": "boolean"})
    return {
        "name": f"{database}_{name}",
        "description": table.comment or f"The table {table.name}.",
        "config": {"meta": {"files": files, "extract": extract}},
        "columns": columns,
    }


def _is_kept_by_server(column: ServerColumn) -> bool:
    """Only a time that the server itself sets at every change finds every change."""
    return column.kind in ("timestamp", "datetime") and "on update current_timestamp" in column.extra.lower()


def _column(column: ServerColumn, name: str, is_key: bool) -> dict[str, Any]:
    kind = _type(column)
    meta: dict[str, Any] = {}
    if name != column.name:
        meta["header"] = column.name
    if is_key or not column.is_nullable:
        meta["required"] = True
    if column.kind in ("datetime", "timestamp") and kind == "timestamp":
        meta["time_zone"] = BUSINESS_TIME_ZONE
    if kind == "text" and _PERSONAL.search(column.name):
        meta["personal"] = True
    described = f"{column.declared}." if not column.comment else column.comment
    declared: dict[str, Any] = {"name": name, "description": described, "data_type": kind}
    return declared | ({"config": {"meta": meta}} if meta else {})


def _type(column: ServerColumn) -> str:
    """What holds every value that the column can have. Bytes are hexadecimal digits, what no type holds is text."""
    if _WHOLE.fullmatch(column.kind):
        is_longer = (column.kind == "bigint" and column.is_unsigned) or (
            column.kind == "bit" and column.precision == 64
        )
        return "decimal(20,0)" if is_longer else "integer"
    if column.kind == "decimal" and (column.precision or 0) <= 38:
        return f"decimal({column.precision},{column.scale or 0})"
    return {"date": "date", "datetime": "timestamp", "timestamp": "timestamp"}.get(column.kind, "text")


def _names(columns: list[ServerColumn]) -> dict[str, str]:
    """A name for each column that a contract can have, no two the same."""
    found: dict[str, str] = {}
    for column in columns:
        name, number = _identifier(column.name), 2
        while name in found.values() or name == _MARK:
            name, number = f"{_identifier(column.name)}_{number}", number + 1
        found[column.name] = name
    return found


def _identifier(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    cleaned = re.sub(r"[^a-z0-9_]+", "_", snake).strip("_")
    return cleaned if _IDENTIFIER.fullmatch(cleaned) else f"c_{cleaned}" if cleaned else "c"
