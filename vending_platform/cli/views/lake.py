"""Tables of the lake, their history, and what a query found."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vending_platform.cli.views.parts import count, new_table, with_commas
from vending_platform.lake import MaintainedTable
from vending_platform.lake.history import DescribedTable, SnapshotEntry, TableState
from vending_platform.lake.sql import Found
from vending_platform.warehouse import TableName

_SHOWN_ROWS = 100
_LONGEST_SNAPSHOT = 19
_LEFT = ("string", "date", "timestamp", "bool", "time")


def tables_view(found: Sequence[tuple[TableName, TableState]]) -> RenderableType:
    if not found:
        return Text("The lake has no table yet: an exposure with `format: iceberg` makes one.")
    table = _whole_names("table", "rows", "files", "size", "changed")
    for name, state in found:
        table.add_row(
            name.plain, with_commas(state.rows), with_commas(state.files), _size(state.bytes), _time(state.at)
        )
    return table


def described_view(described: DescribedTable) -> RenderableType:
    columns = Table(box=None, pad_edge=False, padding=(0, 2))
    for header in ("column", "type", "id", "description"):
        columns.add_column(header)
    for column in described.columns:
        columns.add_row(column.name, column.type, str(column.field_id), " ".join(column.description.split()))
    state = described.state
    return Group(
        Text(described.table, style="bold"),
        f"{count(state.rows, 'row')} in {count(state.files, 'file')}, {_size(state.bytes)}, {described.location}",
        f"key: {', '.join(described.key) or 'none'}; partitioned by: {', '.join(described.partitioning) or 'nothing'};"
        f" {count(described.snapshots, 'snapshot')}",
        "",
        columns,
    )


def history_view(entries: Sequence[SnapshotEntry]) -> RenderableType:
    if not entries:
        return Text("No rows were written to it yet.")
    table = _whole_names("snapshot", "time (UTC)", "operation", "added", "removed", "rows", "files")
    for entry in entries:
        state = entry.state
        figures = (entry.added_rows, entry.deleted_rows, state.rows, state.files)
        table.add_row(str(state.snapshot_id), _time(state.at), entry.operation, *map(with_commas, figures))
    return table


def maintained_view(done: Sequence[MaintainedTable]) -> RenderableType:
    if not done:
        return Text("The lake has no table yet.")
    table = _whole_names("table", "compacted", "into", "expired", "removed", "size", "s")
    for one in done:
        figures = (one.compacted_files, one.files_instead, one.expired_snapshots, one.removed_files)
        table.add_row(one.table, *map(with_commas, figures), _size(one.removed_bytes), f"{one.seconds:.1f}")
    return table


def rows_view(found: Found) -> RenderableType:
    """As many rows as a person reads; the rest is left unread."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for field in found.rows.schema:
        is_text = str(field.type).startswith(_LEFT)
        table.add_column(Text(field.name), justify="left" if is_text else "right")
    rows = (row for batch in found.rows for row in batch.to_pylist())
    for row in islice(rows, _SHOWN_ROWS):
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    if next(rows, None) is None:
        return table
    advice = f"… only the first {_SHOWN_ROWS} rows; all of them: --format csv --output FILE"
    return Group(table, Text(advice, style="dim"))


def cost_view(found: Found) -> RenderableType:
    if found.billed is not None:
        cost = f"Athena scanned {_size(found.billed.bytes)}: about ${found.billed.dollars:.5f} at $5 a terabyte"
        return Text(cost, style="dim")
    parts = list(_costs(found))
    return Text("; ".join(parts) or "no table was read", style="dim")


def _costs(found: Found) -> Iterable[str]:
    for one in found.scanned:
        of_files = f" of {with_commas(one.of_files)}" if one.of_files else ""
        yield f"{one.table}: {with_commas(one.files)}{of_files} files, {_size(one.bytes)}"


def _whole_names(*headers: str) -> Table:
    """A table whose first column is never cut off: people copy names and snapshots from it."""
    table = new_table(*headers)
    table.columns[0].no_wrap = True
    table.columns[0].overflow = "ignore"
    table.columns[0].min_width = _LONGEST_SNAPSHOT
    return table


def _size(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment is not None else ""
