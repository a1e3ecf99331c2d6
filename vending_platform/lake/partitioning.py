"""Partitioning as it is declared, as Iceberg keeps it, and as DuckDB computes it."""

from typing import Any

from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    DayTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import DateType, IcebergType, IntegerType, LongType, StringType, TimestampType, TimestamptzType

from vending_platform.catalog import PartitionRule
from vending_platform.lake.errors import LakeError
from vending_platform.lake.types import named
from vending_platform.warehouse import TableName

_OF_TIME = (DateType, TimestampType, TimestamptzType)
_TRUNCATED = (IntegerType, LongType, StringType)


def transform_of(table: TableName, rule: PartitionRule, kind: IcebergType) -> Transform[Any, Any]:
    """`LakeError` if a column of this type has no such partitions."""
    if rule.is_of_time and not isinstance(kind, _OF_TIME):
        raise LakeError(f"{table.plain} can't be partitioned by {rule}: {rule.column} is {kind}, neither date nor time")
    match rule.transform:
        case "identity":
            return IdentityTransform()
        case "year":
            return YearTransform()
        case "month":
            return MonthTransform()
        case "day":
            return DayTransform()
        case "truncate":
            if not isinstance(kind, _TRUNCATED):
                raise LakeError(
                    f"{table.plain} can't be partitioned by {rule}: {rule.column} is {kind}, neither text nor a whole"
                    " number"
                )
            assert rule.width is not None
            return TruncateTransform(width=rule.width)


def partition_name(rule: PartitionRule) -> str:
    """As Iceberg calls it by default, so that other programs that declare the same mean the same."""
    match rule.transform:
        case "identity":
            return rule.column
        case "truncate":
            return f"{rule.column}_trunc_{rule.width}"
        case _:
            return f"{rule.column}_{rule.transform}"


def sql_of(transform: Transform[Any, Any], schema: Schema, source: int) -> str:
    """The partition's value in SQL, or one that is equal for the same rows."""
    field = schema.find_field(source)
    column = named(field.name)
    match transform:
        case IdentityTransform():
            return column
        case YearTransform():
            return f"date_trunc('year', {column})"
        case MonthTransform():
            return f"date_trunc('month', {column})"
        case DayTransform():
            return f"date_trunc('day', {column})"
        case TruncateTransform() if isinstance(field.field_type, StringType):
            return f"left({column}, {transform.width})"
        case TruncateTransform():
            return f"{column} - ((({column} % {transform.width}) + {transform.width}) % {transform.width})"
    raise LakeError(f"partitioning by {transform} can't be written here: another program has declared it")
