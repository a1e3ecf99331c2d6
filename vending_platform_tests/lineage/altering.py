"""What really depends on what: a column of a table is altered, and the statement run again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import duckdb

from vending_platform.lineage.columns import ColumnRef

_TEXT = (
    "null",
    "'~' || {c}",
    "case when {n} % 2 = 0 then {c} end",
    "first_value({c}) over (order by {n} rows between unbounded preceding and unbounded following)",
    "lag({c}, 1, 'zz') over (order by {n})",
    "lag({c}, 7, 'zz') over (order by {n} desc)",
)
_NUMBER = (
    "null",
    "{c} + 1",
    "- {c}",
    "{c} * 3 + {n} % 5",
    "0",
    "case when {n} % 2 = 0 then {c} end",
    "lag({c}, 1, 0) over (order by {n})",
)
_MOMENT = (
    "null",
    "{c} + interval 1 day",
    "{c} - interval 1 day",
    "{c} + interval 400 day",
    "{c} - interval 3 hour",
    "case when {n} % 2 = 0 then {c} end",
    "lag({c}) over (order by {n})",
    "max({c}) over ()",
)
_LIST = ("null", "[]", "list_append({c}, 'z')", "case when {n} % 2 = 0 then {c} end")
_FLAG = ("null", "not {c}", "true", "false", "case when {n} % 2 = 0 then {c} end")


@dataclass
class Effects:
    """Of one statement: per column of a table the columns of the result that changed with it."""

    columns: list[str]
    changed: dict[ColumnRef, set[str]] = field(default_factory=dict)


def effects(connection: duckdb.DuckDBPyConnection, statement: str, tables: Mapping[tuple[str, str], str]) -> Effects:
    """`statement` reads `tables`, by schema and name; each is kept as the table that is named beside it, and is
    replaced by altered ones."""
    columns, before = _result(connection, statement)
    found = Effects(columns)
    for (schema, table), kept in tables.items():
        for name, kind in _columns(connection, kept):
            changed = found.changed.setdefault(ColumnRef(schema, table, name), set())
            for altered in _alterations(kind):
                value = altered.format(c=f'"{name}"', n="_n")
                connection.execute(
                    f'create or replace table "{schema}"."{table}" as select * exclude (_n)'
                    f' replace (try_cast({value} as {kind}) as "{name}")'
                    f" from (select *, row_number() over () as _n from {kept})"
                )
                try:
                    _, after = _result(connection, statement)
                except duckdb.Error:
                    continue  # no value that the statement takes
                changed.update(column for column, was, now in zip(columns, before, after, strict=True) if was != now)
        connection.execute(f'create or replace table "{schema}"."{table}" as from {kept}')
    return found


def _result(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[list[str], list[int]]:
    """Names, and of each column a number that its values decide on, in whatever order."""
    names = [str(row[0]) for row in connection.execute(f"describe ({statement})").fetchall()]
    sums = ", ".join(f'coalesce(sum(hash("{name}")::hugeint), 0)' for name in names)
    row = connection.execute(f"select {sums} from ({statement})").fetchone()
    assert row is not None
    return names, list(row)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[str, str]]:
    for name, kind, *_ in connection.execute(f"describe {table}").fetchall():
        yield str(name), str(kind)


def _alterations(kind: str) -> Iterable[str]:
    if kind.endswith("[]"):
        return _LIST
    if kind == "BOOLEAN":
        return _FLAG
    if kind.startswith(("DATE", "TIMESTAMP")):
        return _MOMENT
    if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or kind.endswith("INT") or kind == "INTEGER":
        return _NUMBER
    return _TEXT
