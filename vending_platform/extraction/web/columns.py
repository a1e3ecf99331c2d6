"""Records as a table with the contract's types. A column that has a value which its type can't hold is written as
text, all of it: then ingestion rejects those rows by name, as in what databases hold."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from vending_platform.catalog import UNIX_TIME, Column, ExtractApi, Source, format_pattern, has_time
from vending_platform.extraction.web.answers import Record, WrittenNumber, as_json

_MOST_DIGITS = 38
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?", re.IGNORECASE)
_PLAIN = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?(?:[eE][+-]?\d{1,2})?")
_SMALLEST, _GREATEST = -(2**63), 2**63 - 1
_EXACT = Context(prec=200)
"""So many digits that nothing is rounded that `_PLAIN` allows."""


class _NotOfItsType(Exception):
    """The column's type can't hold this value."""


def table_of(source: Source, extract: ExtractApi, records: Sequence[Record]) -> pa.Table:
    """The records in the order of the key, a column for each name in the order of the contract; a column that no record
    has is not there, so that ingestion says what that means, and one that the contract does not name is text."""
    names = {name: None for record in records for name in record}
    columns, declared = {}, {column.text_in_header: column for column in source.columns}
    for name in [*(name for name in declared if name in names or not records), *sorted(names.keys() - declared.keys())]:
        values = [record.get(name) for record in records]
        columns[name] = _array(declared[name], extract, values) if name in declared else _texts(values)
    table = pa.table(columns)
    keys = [name for key in source.files.key if (name := source.column(key).text_in_header) in columns]
    return table.sort_by([(name, "ascending") for name in keys])


def day_of(source: Source, extract: ExtractApi, record: Record) -> date | None:
    """The day of a record by the source's `day_column`; None if that holds no day."""
    assert source.files.day_column is not None, "the contract was checked for that"
    column = source.column(source.files.day_column)
    try:
        found = _moment(column, extract, record.get(column.text_in_header))
    except _NotOfItsType:
        return None
    return found.date() if isinstance(found, datetime) else found


def _array(column: Column, extract: ExtractApi, values: Sequence[Any]) -> pa.Array:
    try:
        match column.type.kind:
            case "integer":
                return pa.array([_number(value, 0, _MOST_DIGITS, whole=True) for value in values], pa.int64())
            case "decimal":
                kind = column.type
                return pa.array([_number(value, kind.scale, kind.precision) for value in values], kind.arrow)
            case "boolean":
                return pa.array([_boolean(value, extract) for value in values], pa.bool_())
            case "date":
                return pa.array([_moment(column, extract, value) for value in values], pa.date32())
            case "timestamp":
                return _times([_moment(column, extract, value) for value in values])
            case _:
                return _texts(values)
    except _NotOfItsType:
        return _texts(values, written_out=True)


def _times(values: Sequence[datetime | date | None]) -> pa.Array:
    """Moments, or what clocks showed; not both in one column."""
    zones = {isinstance(value, datetime) and value.tzinfo is not None for value in values if value is not None}
    if len(zones) > 1:
        raise _NotOfItsType
    kind = pa.timestamp("us", tz="UTC") if zones == {True} else pa.timestamp("us")
    return pa.array(values, kind)


def _texts(values: Iterable[Any], *, written_out: bool = False) -> pa.Array:
    return pa.array([_text(value, written_out) for value in values], pa.string())


def _text(value: Any, written_out: bool) -> str | None:
    match value:
        case None:
            return None
        case WrittenNumber() if written_out and _PLAIN.fullmatch(value):
            return format(Decimal(value), "f")  # as ingestion reads numbers
        case str():
            return str(value)
        case _:
            return as_json(value)


def _number(value: Any, scale: int, precision: int, *, whole: bool = False) -> Any:
    """Exactly, or not at all."""
    if value is None:
        return None
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        raise _NotOfItsType
    number = Decimal(value)
    if number.adjusted() >= precision - scale and number != 0:
        raise _NotOfItsType
    exact = number.quantize(Decimal((0, (1,), -scale)), context=_EXACT)
    if exact != number:
        raise _NotOfItsType
    if not whole:
        return exact
    if not _SMALLEST <= exact <= _GREATEST:
        raise _NotOfItsType
    return int(exact)


def _boolean(value: Any, extract: ExtractApi) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if extract.answer == "csv" and value in ("true", "false"):
        return bool(value == "true")
    raise _NotOfItsType


def _moment(column: Column, extract: ExtractApi, value: Any) -> datetime | date | None:
    """The date or time that a text gives, in ISO 8601 or in one of the declared formats."""
    is_date = column.type.kind == "date" or column.type.kind == "text"
    if value is None:
        return None
    if UNIX_TIME in extract.formats and isinstance(value, WrittenNumber) and re.fullmatch(r"\d{1,11}", value):
        moment = datetime.fromtimestamp(int(value), UTC)
        if not is_date:
            return moment
    if not isinstance(value, str) or isinstance(value, WrittenNumber):
        raise _NotOfItsType
    try:
        if is_date and _ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
        if not is_date and _ISO_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        raise _NotOfItsType from None
    for form in extract.formats:
        if (found := _in_format(value, form)) is not None:
            return found.date() if is_date else found
    raise _NotOfItsType


def _in_format(value: str, form: str) -> datetime | None:
    """As ingestion understands formats: the form decides before the value is read."""
    if form == UNIX_TIME or not _form(form).fullmatch(value):
        return None
    try:
        return datetime.strptime(value, form.replace("%-", "%"))
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _form(form: str) -> re.Pattern[str]:
    return re.compile(format_pattern("timestamp" if has_time(form) else "date", form))
