"""Results of the Data API as Arrow: each column in the type that Redshift declares for it, also without rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

_DIGITS = 38
_TYPES = {
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}


def table_of(pages: Iterator[Mapping[str, Any]]) -> pa.Table:
    """The rows of all pages, with their columns' names in lower case. A page is put away before the next one comes."""
    batches: list[pa.RecordBatch] = []
    schema = pa.schema([])
    for page in pages:
        schema = pa.schema([(column["name"].lower(), _type(column)) for column in page["ColumnMetadata"]])
        columns = zip(*page["Records"], strict=True) if page["Records"] else [()] * len(schema)
        arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _type(column: Mapping[str, Any]) -> pa.DataType:
    name = column["typeName"].lower()
    if name == "numeric":
        return pa.decimal128(column["precision"] or _DIGITS, column["scale"])
    return _TYPES.get(name, pa.string())


def _array(values: Sequence[Mapping[str, Any]], kind: pa.DataType) -> pa.Array:
    parse = _parser(kind)
    return pa.array([None if value.get("isNull") else parse(next(iter(value.values()))) for value in values], kind)


def _parser(kind: pa.DataType) -> Callable[[Any], Any]:
    """What has no field of its own in the API comes as a text."""
    if pa.types.is_decimal(kind):
        return Decimal
    if pa.types.is_date(kind):
        return date.fromisoformat
    if pa.types.is_timestamp(kind):
        return _moment if kind.tz else datetime.fromisoformat
    return _itself


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _itself(value: Any) -> Any:
    return value
