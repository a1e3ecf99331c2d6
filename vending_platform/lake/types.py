"""Types of columns: from Arrow, in which rows come, to Iceberg, in which tables are declared, to DuckDB's SQL."""

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from vending_platform.lake.errors import LakeError

_PLAIN: dict[pa.DataType, iceberg.IcebergType] = {
    pa.string(): iceberg.StringType(),
    pa.large_string(): iceberg.StringType(),
    pa.string_view(): iceberg.StringType(),
    pa.null(): iceberg.StringType(),
    pa.binary(): iceberg.BinaryType(),
    pa.large_binary(): iceberg.BinaryType(),
    pa.bool_(): iceberg.BooleanType(),
    pa.int8(): iceberg.IntegerType(),
    pa.int16(): iceberg.IntegerType(),
    pa.int32(): iceberg.IntegerType(),
    pa.int64(): iceberg.LongType(),
    pa.uint8(): iceberg.IntegerType(),
    pa.uint16(): iceberg.IntegerType(),
    pa.uint32(): iceberg.LongType(),
    pa.uint64(): iceberg.DecimalType(20, 0),  # Iceberg has no unsigned numbers, and half of these are no long
    pa.float32(): iceberg.FloatType(),
    pa.float64(): iceberg.DoubleType(),
    pa.date32(): iceberg.DateType(),
    pa.time64("us"): iceberg.TimeType(),
}
_IN_SQL: dict[type[iceberg.IcebergType], str] = {
    iceberg.StringType: "VARCHAR",
    iceberg.BinaryType: "BLOB",
    iceberg.BooleanType: "BOOLEAN",
    iceberg.IntegerType: "INTEGER",
    iceberg.LongType: "BIGINT",
    iceberg.FloatType: "FLOAT",
    iceberg.DoubleType: "DOUBLE",
    iceberg.DateType: "DATE",
    iceberg.TimeType: "TIME",
    iceberg.TimestampType: "TIMESTAMP",
    iceberg.TimestamptzType: "TIMESTAMP WITH TIME ZONE",
}


def iceberg_type(column: str, arrow: pa.DataType) -> iceberg.IcebergType:
    """The type that keeps every value of the Arrow type; `LakeError` if there is none."""
    if (plain := _PLAIN.get(arrow)) is not None:
        return plain
    if pa.types.is_decimal(arrow) and arrow.precision <= 38 and 0 <= arrow.scale <= arrow.precision:
        return iceberg.DecimalType(arrow.precision, arrow.scale)
    if pa.types.is_timestamp(arrow) and arrow.unit != "ns":
        return iceberg.TimestamptzType() if arrow.tz else iceberg.TimestampType()
    raise LakeError(f"column {column} is {arrow}, which a table of the lake can't keep: cast it in the model")


def sql_type(column: str, kind: iceberg.IcebergType) -> str:
    """As DuckDB writes it; `LakeError` for a type that the platform itself never writes."""
    if isinstance(kind, iceberg.DecimalType):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if (known := _IN_SQL.get(type(kind))) is not None:
        return known
    raise LakeError(f"column {column} is {kind}, which this platform can't read: another program has declared it")


def sql_columns(schema: Schema) -> dict[str, str]:
    """The columns with their types, as DuckDB writes them."""
    return {field.name: sql_type(field.name, field.field_type) for field in schema.fields}


def named(column: str) -> str:
    """A column's name as DuckDB's SQL writes it."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as DuckDB's SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
