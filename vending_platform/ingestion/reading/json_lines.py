"""JSON lines: an object in every line. What JSON can say of a value is held against the contract: a number is taken
with the digits that are written, a text as one of CSV is, and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Column, Source
from vending_platform.ingestion.reading.content import FileContent
from vending_platform.ingestion.reading.csv_strict import lines_of
from vending_platform.ingestion.reading.decoding import BOM
from vending_platform.ingestion.reading.layout import MOST_UNKNOWN, Layout
from vending_platform.ingestion.reading.problems import FileProblem
from vending_platform.ingestion.reading.rows import text_schema

_LITERALS = {True: "true", False: "false", None: "null"}


class _Number(str):
    """A number as it is written: to be a float it would have to be rounded."""


class _BadRow(ValueError):
    """Why a row can't be used."""


@dataclass
class JsonRows:
    """Collects rows until they are taken away as one table, and remembers which keys there were."""

    source: Source
    size: int = 0
    count: int = 0
    _seen: set[str] = field(default_factory=set)
    _unknown: dict[str, None] = field(default_factory=dict)
    _rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, row: bytes, number: int, offset: int, file: int) -> None:
        problem, extra = None, None
        values: tuple[str | None, ...] = (None,) * len(self.source.columns)
        try:
            found = _object(row)
            values = tuple(self._take(found, column) for column in self.source.columns)
            if left := {key: value for key, value in found.items() if value != {}}:
                self._note_unknown(left)
                extra = _written(left)
        except _BadRow as bad:
            problem, values = str(bad), (None,) * len(self.source.columns)
        self._rows.append((file, number, offset, len(row), problem, extra, *values))
        self.size += len(row)
        self.count += 1

    def take(self) -> pa.Table:
        schema = text_schema(self.source)
        if not self._rows:
            return schema.empty_table()
        columns = [pa.array(each, kind) for each, kind in zip(zip(*self._rows, strict=True), schema.types, strict=True)]
        self._rows, self.size = [], 0
        return pa.table(columns, schema=schema)

    def layout(self) -> Layout:
        """How the rows so far differ from the contract; `FileProblem` where it can't take that."""
        absent = [column for column in self.source.columns if column.name not in self._seen] if self.count else []
        refused = [c for c in absent if c.required or self.source.files.missing_columns == "refuse"]
        if refused:
            raise FileProblem(f"no row of it has {', '.join(repr(column.place) for column in refused)}")
        if self._unknown and self.source.files.unknown_columns == "refuse":
            names = ", ".join(map(repr, self._unknown))
            raise FileProblem(f"its rows have keys that the contract refuses: {names}")
        extra = tuple(enumerate(self._unknown))
        return Layout(len(self.source.columns), (), extra, tuple(column.name for column in absent))

    def _take(self, row: dict[str, Any], column: Column) -> str | None:
        """The column's value as text, taken out of the row."""
        inner: Any = row
        *within, last = column.keys
        for key in within:
            inner = inner.get(key)
            if inner is None:
                return None
            if not isinstance(inner, dict):
                raise _BadRow(f"{column.place}: {key} is {_kind(inner)}, not an object")
        if last not in inner:
            return None
        self._seen.add(column.name)
        return _text(inner.pop(last), column)

    def _note_unknown(self, left: dict[str, Any]) -> None:
        self._unknown |= dict.fromkeys(left)
        if len(self._unknown) > MOST_UNKNOWN:
            raise FileProblem(
                f"its rows have more than {MOST_UNKNOWN:,} different keys that the contract does not name"
            )


def rows_between(content: FileContent) -> Iterator[tuple[int, int, bytes]]:
    """Of each row its number, where it begins, and its bytes; empty lines are counted, and are no rows."""
    offset = 0
    for number, line in enumerate(lines_of(content.chunks(), 1), start=1):
        body = line.removeprefix(BOM) if number == 1 else line
        if body.strip():
            yield number, offset + len(line) - len(body), body
        offset += len(line)


def refuse_array(content: FileContent) -> None:
    """A file that is one array, or one object over many lines, holds rows, but not a row in every line."""
    first = next((body for _, _, body in rows_between(content)), b"").strip()
    if first.startswith(b"["):
        raise FileProblem("it is a JSON array; JSON lines have an object in every line, and nothing around them")


def _object(row: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            row.decode(),
            object_pairs_hook=_unique,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_no_number,
        )
    except _BadRow:
        raise
    except RecursionError:
        raise _BadRow("the row is nested too deeply") from None
    except ValueError as error:
        raise _BadRow(f"the row is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise _BadRow(f"the row is {_kind(found)}, not an object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _BadRow(f"the row has the key {twice!r} twice")
    return found


def _no_number(text: str) -> Any:
    raise _BadRow(f"the row has {text}, which is not a valid number")


def _text(value: Any, column: Column) -> str | None:
    kind = column.type.kind
    match value:
        case None:
            return None
        case bool() if kind == "boolean":
            return (column.true_values if value else column.false_values)[0]
        case _Number() if kind in ("integer", "decimal"):
            return str(value)
        case str() if not isinstance(value, _Number):
            text = _checked(value, column)
            # ISO 8601 writes UTC so, and JSON has no other time.
            is_moment = kind == "timestamp" and any(form.endswith("%z") for form in column.accepted_formats)
            return f"{text[:-1]}+0000" if is_moment and text.endswith("Z") else text
    raise _BadRow(f"{column.place} is {_kind(value)}, and must be {_wanted(kind)}")


def _checked(text: str, column: Column) -> str:
    if "\0" in text:
        raise _BadRow(f"{column.place} has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _BadRow(f"{column.place} has half of a character, which is not text in Unicode") from None
    return text


def _wanted(kind: str) -> str:
    if kind in ("integer", "decimal"):
        return "a number, or a text that holds one"
    return "true, false or a text" if kind == "boolean" else "a text"


def _kind(value: Any) -> str:
    match value:
        case bool() | None:
            return _LITERALS[value]
        case _Number():
            return f"the number {value[:40]}"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return "a text"


def _written(value: Any) -> str:
    """As JSON, with every number as it came."""
    match value:
        case _Number():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{_quoted(key)}: {_written(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
        case str():
            return _quoted(value)
        case _:
            return _LITERALS[value]


def _quoted(text: str) -> str:
    """In ASCII where it is not text in Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)
