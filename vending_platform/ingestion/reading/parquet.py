"""Parquet: values have types already. A column whose type could hold what the contract's can't is refused with its
file, so nothing is narrowed in silence; everything else becomes the text that CSV would have, under the same rules."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vending_platform.catalog import Column, Source
from vending_platform.ingestion.reading.content import SMALL, FileContent
from vending_platform.ingestion.reading.layout import MOST_UNKNOWN, Layout
from vending_platform.ingestion.reading.problems import FileProblem
from vending_platform.ingestion.reading.rows import EXTRA, FILE, LENGTH, LINE, OFFSET, PROBLEM, text_schema

_ROWS_AT_ONCE = 16_384
_NO_EXPONENT = 6
"""Up to so many places Arrow writes decimals as people do."""
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
Path = tuple[str, ...]


@dataclass(frozen=True)
class ParquetLayout:
    """How a file's columns fit the contract, and how much they take in memory."""

    layout: Layout
    unknown: tuple[Path, ...]
    is_large: bool


def layout_of_parquet(source: Source, content: FileContent) -> ParquetLayout:
    """`FileProblem` if it is no Parquet, or its columns are not what the contract declares."""
    with _Opened(content) as file:
        schema, about = file.schema_arrow, file.metadata
        groups = (about.row_group(number).total_byte_size for number in range(about.num_row_groups))
        is_large = sum(groups) > SMALL
    for name, count in Counter(schema.names).items():
        if count > 1:
            raise FileProblem(f"it has the column {name!r} twice")
    absent, wrong = [], []
    for column in source.columns:
        kind = _type_at(schema, column.keys)
        if kind is None:
            absent.append(column)
        elif why := _mismatch(kind, column, source.extract is not None):
            wrong.append(f"{column.place} {why}")
    if wrong:
        raise FileProblem("; ".join(wrong))
    refused = [c.place for c in absent if c.required or source.files.missing_columns == "refuse"]
    if refused:
        raise FileProblem(f"it lacks {', '.join(map(repr, refused))}; it has: {', '.join(schema.names)}")
    unknown = tuple(_unknown(schema, {column.keys for column in source.columns}))
    if unknown and source.files.unknown_columns == "refuse":
        names = ", ".join(repr(".".join(path)) for path in unknown)
        raise FileProblem(f"it has columns that the contract refuses: {names}")
    if len(unknown) > MOST_UNKNOWN:
        raise FileProblem(f"it has {len(unknown):,} columns that the contract does not name")
    extra = tuple(enumerate(".".join(path) for path in unknown))
    layout = Layout(len(source.columns), (), extra, tuple(column.name for column in absent))
    return ParquetLayout(layout, unknown, is_large)


def read_parquet(source: Source, content: FileContent, unknown: Iterable[Path], file: int) -> Iterator[pa.Table]:
    """The rows as text, some thousands at a time."""
    unknown, number = tuple(unknown), 1
    with _Opened(content) as opened:
        for batch in _batches(opened):
            yield _as_text(source, batch, unknown, number, file)
            number += batch.num_rows


def rows_as_json(content: FileContent, numbers: Iterable[int]) -> dict[int, str]:
    """Single rows as a person reads them, by their numbers."""
    wanted, found = set(numbers), {}
    with _Opened(content) as opened:
        start = 1
        for group in range(opened.metadata.num_row_groups):
            end = start + opened.metadata.row_group(group).num_rows
            if any(start <= number < end for number in wanted):
                place = start
                for batch in _batches(opened, [group]):
                    for number in sorted(n for n in wanted if place <= n < place + batch.num_rows):
                        (row,) = batch.slice(number - place, 1).to_pylist()
                        found[number] = _json(row)
                    place += batch.num_rows
            start = end
    return found


class _Opened:
    """A file to read from; what Arrow finds wrong with it is a `FileProblem`."""

    def __init__(self, content: FileContent) -> None:
        self._content = content

    def __enter__(self) -> pq.ParquetFile:
        try:
            source = pa.BufferReader(self._content.data) if self._content.data is not None else self._content.path
            self._file = pq.ParquetFile(source)
        except _UNREADABLE as error:
            raise _unreadable(error) from None
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _batches(file: pq.ParquetFile, groups: list[int] | None = None) -> Iterator[pa.RecordBatch]:
    try:
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=groups):
            batch.validate(full=True)  # text that is not UTF-8, above all
            yield batch
    except _UNREADABLE as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> FileProblem:
    return FileProblem(f"it can't be read as Parquet: {' '.join(str(error).split())}")


def _type_at(schema: pa.Schema, keys: Path) -> pa.DataType | None:
    """The type of a column, or of a field within one; None if there is none."""
    if keys[0] not in schema.names:
        return None
    kind = schema.field(keys[0]).type
    for key in keys[1:]:
        if not pa.types.is_struct(kind) or kind.get_field_index(key) < 0:
            return None
        kind = kind.field(key).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _mismatch(kind: pa.DataType, column: Column, is_extracted: bool) -> str | None:
    """Why values of this type are not those of the column; None if each of them can be held as it is, or is looked at
    by itself: an extraction writes text where its database can hold values that the column's type can't."""
    is_kind = pa.types
    fits = is_kind.is_null(kind) or (is_extracted and is_kind.is_string(kind))
    match column.type.kind:
        case "text":
            fits = fits or is_kind.is_string(kind) or is_kind.is_large_string(kind) or is_kind.is_string_view(kind)
        case "integer":
            fits = fits or is_kind.is_integer(kind)
        case "decimal":
            fits = fits or is_kind.is_integer(kind)
            if is_kind.is_decimal(kind):
                fits = 0 <= kind.scale <= column.type.scale
        case "boolean":
            fits = fits or is_kind.is_boolean(kind)
        case "date":
            fits = fits or is_kind.is_date32(kind)
        case "timestamp":
            fits = fits or is_kind.is_timestamp(kind)
            if is_kind.is_timestamp(kind) and kind.tz is None and column.time_zone is None:
                return "holds what clocks showed, and the contract does not say in which time_zone"
    return None if fits else f"is {kind}, and the contract declares {column.type}"


def _unknown(schema: pa.Schema, known: set[Path]) -> Iterator[Path]:
    """What no column of the contract is about: whole columns, and of a column that is used in part the rest."""

    def within(path: Path, kind: pa.DataType) -> Iterator[Path]:
        if path in known:
            return
        if pa.types.is_struct(kind) and any(keys[: len(path)] == path for keys in known):
            for inner in kind:
                yield from within((*path, inner.name), inner.type)
            return
        yield path

    for column in schema:
        yield from within((column.name,), column.type)


def _at(batch: pa.RecordBatch, keys: Path) -> pa.Array | None:
    if keys[0] not in batch.schema.names:
        return None
    found = batch.column(keys[0])
    for key in keys[1:]:
        if not pa.types.is_struct(found.type) or found.type.get_field_index(key) < 0:
            return None
        found = pc.struct_field(found, key)
    return found


def _as_text(source: Source, batch: pa.RecordBatch, unknown: tuple[Path, ...], number: int, file: int) -> pa.Table:
    count = batch.num_rows
    texts = {column.name: _text(_at(batch, column.keys), count) for column in source.columns}
    problem = pa.nulls(count, pa.string())
    for column in source.columns:
        if column.type.kind == "text":
            has_nul = pc.fill_null(pc.match_substring(texts[column.name], "\0"), False)
            problem = pc.if_else(has_nul, f"{column.place} has a NUL character", problem)
    known = {
        FILE: pa.array([file] * count, pa.int32()),
        LINE: pa.array(range(number, number + count), pa.int64()),
        OFFSET: pa.nulls(count, pa.int64()),
        LENGTH: pa.nulls(count, pa.int64()),
        PROBLEM: problem,
        EXTRA: _extra(batch, unknown),
        **texts,
    }
    schema = text_schema(source)
    return pa.table([known[name] for name in schema.names], schema=schema)


def _text(values: pa.Array | None, count: int) -> pa.Array:
    """The same values as CSV would have them."""
    if values is None or pa.types.is_null(values.type):
        return pa.nulls(count, pa.string())
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type) and values.type.scale > _NO_EXPONENT:  # of small ones Arrow writes one
        return pa.array([None if value is None else format(value, "f") for value in values.to_pylist()], pa.string())
    if pa.types.is_date(values.type):
        return pc.strftime(values, format="%Y-%m-%d")
    if pa.types.is_timestamp(values.type):
        return _moments(values)
    return values.cast(pa.string())


def _moments(values: pa.Array) -> pa.Array:
    """With the part of a second as far as it is stored; one with more than microseconds keeps them, and so is no time
    that the contract could take."""
    bare = values.cast(pa.timestamp(values.type.unit))
    texts = pc.strftime(bare, format="%Y-%m-%d %H:%M:%S")
    if values.type.unit == "s":
        texts = pc.binary_join_element_wise(texts, ".0", "")
    elif values.type.unit == "ns":
        texts = pc.replace_substring_regex(texts, r"000$", "")
    return texts if values.type.tz is None else pc.binary_join_element_wise(texts, "+0000", "")


def _extra(batch: pa.RecordBatch, unknown: tuple[Path, ...]) -> pa.Array:
    found: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
    for path in unknown:
        values = _at(batch, path)
        for row, value in zip(found, values.to_pylist() if values is not None else (), strict=False):
            if value is not None:
                inner = row
                for key in path[:-1]:
                    inner = inner.setdefault(key, {})
                inner[path[-1]] = value
    return pa.array([_json(row) if row else None for row in found], pa.string())


def _json(row: Any) -> str:
    return json.dumps(_plain(row), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """What JSON has no number for becomes a text."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
