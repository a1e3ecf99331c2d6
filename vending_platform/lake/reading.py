"""The rows of a table as a relation of DuckDB: exactly the files that a plan names, columns by their field ids.

A file has the names and types of the day on which it was written. `read_parquet` finds a column by its field id, so
that one which was renamed since keeps its values, and one that was added is empty.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table

from vending_platform.lake.errors import LakeError
from vending_platform.lake.types import named, sql_columns, sql_type, text

EVERYTHING = AlwaysTrue()


def planned(
    table: Table, row_filter: BooleanExpression = EVERYTHING, snapshot_id: int | None = None
) -> list[FileScanTask]:
    """The files that may have rows which fulfil the filter, in an order that does not change."""
    if snapshot_id is None and table.current_snapshot() is None:
        return []
    scan = table.scan(row_filter=row_filter, snapshot_id=snapshot_id)
    tasks = [task for task in scan.plan_files() if isinstance(task, FileScanTask)]
    if any(task.delete_files for task in tasks):
        raise LakeError(
            f"{'.'.join(table.name())} has rows that another program deleted by files of deletes, which are not read"
            " here: let that program rewrite the table's files (in Athena: OPTIMIZE … REWRITE DATA)"
        )
    return sorted(tasks, key=lambda task: task.file.file_path)


def duckdb_path(location: str) -> str:
    """A file of the lake as DuckDB opens it."""
    return unquote(urlsplit(location).path) if location.startswith("file:") else location


def relation(schema: Schema, files: Iterable[str], *extras: str) -> str:
    """A FROM clause with the rows of these files under the schema; `extras` are options such as `filename=true`."""
    if not (paths := [text(duckdb_path(file)) for file in files]):
        empty = ", ".join(f"cast(null as {kind}) as {named(name)}" for name, kind in sql_columns(schema).items())
        return f"(select {empty} where false)"
    columns = ", ".join(
        f"{field.field_id}: {{name: {text(field.name)}, type: {text(sql_type(field.name, field.field_type))},"
        " default_value: NULL}"
        for field in schema.fields
    )
    options = "".join(f", {extra}" for extra in extras)
    return f"read_parquet([{', '.join(paths)}], schema=MAP {{{columns}}}{options})"


def paths_of(tasks: Sequence[FileScanTask]) -> list[str]:
    return [task.file.file_path for task in tasks]
