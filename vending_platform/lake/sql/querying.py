"""SQL by a DuckDB that is locked: it has the tables that a query names, and can open nothing else.

Each table is a view of exactly the files that the query may need, so that a scan costs what it reads.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
from pyiceberg.table import FileScanTask

from vending_platform.lake.engine import engine
from vending_platform.lake.errors import LakeError
from vending_platform.lake.opening import NAMESPACES, Lake
from vending_platform.lake.reading import duckdb_path, paths_of, planned, relation
from vending_platform.lake.sql.as_of import AsOf, TableVersion, version_of
from vending_platform.lake.sql.naming import tables_in
from vending_platform.lake.sql.pruning import row_filters
from vending_platform.lake.sql.result import Found, Scanned
from vending_platform.lake.types import named, text
from vending_platform.warehouse import TableName


@contextmanager
def query_lake(lake: Lake, sql: str, as_of: AsOf = None) -> Iterator[Found]:
    """What one SELECT finds; `LakeError` for any other statement. The rows can be read until the block ends."""
    with engine(lake) as connection:
        names = tables_in(lake, sql)
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
