"""SQL by a DuckDB that is locked: it has the tables that a query names, and can open nothing else.

Each table is a view of exactly the files that the query may need, so that a scan costs what it reads.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
from pyiceberg.table import FileScanTask

from vending_platform.lake.engine import engine
from vending_platform.lake.errors import LakeError
from vending_platform.lake.opening import NAMESPACES, Lake
from vending_platform.lake.reading import duckdb_path, paths_of, planned, relation
from vending_platform.lake.sql.as_of import AsOf, TableVersion, version_of
from vending_platform.lake.sql.pruning import row_filters
from vending_platform.lake.sql.result import Found, Scanned
from vending_platform.lake.types import named, text
from vending_platform.warehouse import TableName


@contextmanager
def query_lake(lake: Lake, sql: str, as_of: AsOf = None) -> Iterator[Found]:
    """What one SELECT finds; `LakeError` for any other statement. The rows can be read until the block ends."""
    with engine(lake) as connection:
        names = _tables_in(lake, connection, sql)
        versions = {name: version_of(lake.load(name), as_of) for name in names}
        filters = row_filters(sql, {name: version.schema for name, version in versions.items()})
        plans = {name: planned(one.table, filters[name], one.snapshot_id) for name, one in versions.items()}
        _make_views(connection, versions, plans)
        _lock(connection, plans)
        scanned = tuple(_scanned(name, version, plans[name]) for name, version in versions.items())
        try:
            yield Found(connection.sql(sql).to_arrow_reader(), scanned)
        except duckdb.Error as error:
            raise LakeError(_in_one_line(error)) from None


def _tables_in(lake: Lake, connection: duckdb.DuckDBPyConnection, sql: str) -> list[TableName]:
    """Those that it names, as DuckDB itself understands it."""
    (text_of_tree,) = connection.execute("select json_serialize_sql($1)", [sql]).fetchone() or ("{}",)
    tree = json.loads(text_of_tree)
    if tree["error"] and tree["error_type"] != "not implemented":
        raise LakeError(f"the query can't be understood: {tree['error_message']}")
    if tree["error"] or len(tree["statements"]) != 1:
        raise LakeError("only one SELECT can be run: tables of the lake are changed by exports and mirrors alone")
    return sorted({_resolved(lake, *written) for written in _named_in(tree, frozenset())}, key=str)


def _named_in(node: Any, with_names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Namespace and name of every table below a node of DuckDB's tree, but of what a WITH around it has named."""
    if isinstance(node, list):
        for below in node:
            yield from _named_in(below, with_names)
    if not isinstance(node, dict):
        return
    with_names |= {entry["key"].lower() for entry in (node.get("cte_map") or {}).get("map", ())}
    if node.get("type") == "BASE_TABLE":
        namespace, name = node["schema_name"].lower(), node["table_name"].lower()
        if namespace or name not in with_names:
            yield namespace, name
    for below in node.values():
        yield from _named_in(below, with_names)


def _resolved(lake: Lake, namespace: str, name: str) -> TableName:
    """The namespace may be left out where only one has such a table."""
    if namespace:
        return TableName(namespace, name)
    fitting = [table for table in lake.tables() if table.name == name]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(table.plain for table in fitting or lake.tables()) or "none yet"
    raise LakeError(f"{name!r} is not one table of the lake: write its namespace too; there are: {known}")


def _make_views(
    connection: duckdb.DuckDBPyConnection,
    versions: Mapping[TableName, TableVersion],
    plans: Mapping[TableName, list[FileScanTask]],
) -> None:
    for namespace in NAMESPACES:
        connection.execute(f"create schema {namespace}")
    for name, version in versions.items():
        if name.schema in NAMESPACES:
            rows = relation(version.schema, paths_of(plans[name]))
            connection.execute(f"create view {name.schema}.{named(name.name)} as select * from {rows}")
    connection.execute(f"set search_path = {text(','.join(NAMESPACES))}")


def _lock(connection: duckdb.DuckDBPyConnection, plans: Mapping[TableName, list[FileScanTask]]) -> None:
    files = ", ".join(text(duckdb_path(path)) for tasks in plans.values() for path in paths_of(tasks))
    connection.execute(f"set allowed_paths = [{files}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _scanned(name: TableName, version: TableVersion, tasks: list[FileScanTask]) -> Scanned:
    table, chosen = version.table, version.snapshot_id
    snapshot = table.snapshot_by_id(chosen) if chosen is not None else table.current_snapshot()
    total = snapshot.summary.get("total-data-files") if snapshot is not None and snapshot.summary is not None else None
    return Scanned(
        table=name.plain,
        files=len(tasks),
        of_files=int(total or len(tasks)),
        bytes=sum(task.file.file_size_in_bytes for task in tasks),
    )


def _in_one_line(error: duckdb.Error) -> str:
    return " ".join(str(error).split())
