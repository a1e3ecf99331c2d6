"""The rows of a mart as they leave: suppressed, split into files, masked, under their headers. Pure.

It is all done here, in Arrow, and nothing of it by a warehouse: the same rows are the same files everywhere.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Export, ExportColumn
from vending_platform.exporting.suppression import hidden_rows

REST = ""
"""The split of the rows that have no value to be split by."""
_LONGEST = 40


@dataclass(frozen=True)
class FileRows:
    """The rows of one file. `split` is the value that they share; None where the export is not split."""

    split: str | None
    rows: pa.Table
    suppressed: int
    """In how many of them something is blanked."""


def sort_keys(export: Export, names: list[str]) -> list[tuple[str, str]]:
    """By day (but in the file of a month), then as the export says, then by the columns that leave and all others, so
    that equal rows are in one order. What is masked decides last: it is numbered as it comes, and the order must not
    tell it."""
    first = [(export.partition_by, "ascending")] if export.partition_by is not None and export.is_by_day else []
    rest = [name for name in [*export.leaving(names), *names] if name not in export.mask] + list(export.mask)
    keys: dict[str, str] = {}
    for name, direction in [*first, *export.ordered_by, *((name, "ascending") for name in rest)]:
        keys.setdefault(name, direction)
    return list(keys.items())


def shaped(export: Export, rows: pa.Table) -> Iterator[FileRows]:
    """The files that the rows of a day (or all of them) become; none where there are no rows."""
    if rows.num_rows == 0:
        return
    hidden = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    if export.suppress is not None:
        hidden = hidden_rows(rows, export.suppress)
        for name in (export.suppress.count, *export.suppress.columns):
            kept = pc.if_else(hidden, pa.scalar(None, rows[name].type), rows[name])
            rows = rows.set_column(rows.column_names.index(name), name, kept)
    if export.split_by is None:
        yield FileRows(None, as_left(export, rows), pc.sum(hidden).as_py())
        return
    values = pc.fill_null(rows[export.split_by].cast(pa.string()), REST)
    for value in sorted(pc.unique(values).to_pylist()):
        is_its = pc.equal(values, value)
        piece = rows.filter(is_its).combine_chunks()
        yield FileRows(value, as_left(export, piece), pc.sum(pc.and_(is_its, hidden)).as_py())


def as_left(export: Export, rows: pa.Table) -> pa.Table:
    """The columns that leave, in their order, under their headers."""
    if not export.columns and not export.mask:
        return rows
    columns = export.columns or tuple(ExportColumn(name=name) for name in rows.column_names)
    left = [_left(rows[column.name], column, is_masked=column.name in export.mask) for column in columns]
    return pa.table(left, names=[column.title for column in columns])


def described(export: Export, rows: pa.Table) -> list[dict[str, str]]:
    """The columns that leave: name and type as in the files; under a header of its own, also the model's column."""
    fields = as_left(export, rows.slice(0, 0)).schema
    sources = export.leaving(rows.column_names)
    return [
        {"name": field.name, "type": str(field.type)} | ({"column": source} if source != field.name else {})
        for field, source in zip(fields, sources, strict=True)
    ]


def file_label(split: str) -> str:
    """A value as part of a file's name, on every file system; what had to be changed keeps a hash besides."""
    if split == REST:
        return "_rest"
    safe = re.sub(r"[^\w-]", "-", split)[:_LONGEST]
    safe = "-" + safe[1:] if safe.startswith("_") else safe
    return safe if safe == split else f"{safe}-{hashlib.sha256(split.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _left(column: pa.ChunkedArray, said: ExportColumn, *, is_masked: bool) -> pa.ChunkedArray:
    if is_masked:
        return _numbered(column)
    if not said.values:
        return column
    texts = column.cast(pa.string()).to_pylist()
    return pa.chunked_array([pa.array([said.values.get(text, text) for text in texts], pa.string())])


def _numbered(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """1, 2, 3 in the order in which the values come: who has the values can't find out which is which."""
    met: dict[object, str] = {}
    numbers = [None if value is None else met.setdefault(value, str(len(met) + 1)) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(numbers, pa.string())])
