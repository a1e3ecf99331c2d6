"""What a column of MySQL holds, how it is selected, and as which type it is written."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Column, LogicalType
from vending_platform.extraction.interface import HeldAsText
from vending_platform.extraction.mysql.connection import MySqlSession

_INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "year"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_SHAPES = {
    *("geometry", "point", "linestring", "polygon"),
    *("multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection"),
}
_MOST_DIGITS = 38


@dataclass(frozen=True)
class ServerColumn:
    """One column of a table, as information_schema describes it."""

    name: str
    kind: str
    """Such as decimal."""
    declared: str
    """Such as decimal(10,2) unsigned."""
    precision: int | None
    scale: int | None
    is_nullable: bool
    comment: str
    extra: str

    @property
    def is_unsigned(self) -> bool:
        return "unsigned" in self.declared

    @property
    def as_integer(self) -> pa.DataType:
        return pa.uint64() if self.is_unsigned or self.kind == "bit" else pa.int64()

    @property
    def selected(self) -> str:
        """SQL for the value as text: bytes in hexadecimal digits, bits as a whole number."""
        name = quoted(self.name)
        if self.kind in _BYTES:
            return f"hex({name})"
        if self.kind in _SHAPES:
            return f"hex(st_aswkb({name}))"
        return f"cast({name} as unsigned)" if self.kind == "bit" else name

    def is_held_by(self, wanted: LogicalType) -> bool:
        """Whether every value that the column is meant for is one of the contract's type: then it is written as that,
        and otherwise as text, of which ingestion looks at each value by itself."""
        match wanted.kind:
            case "integer":
                return self.kind in _INTEGERS or self.kind == "bit"
            case "decimal":
                digits = self.precision or 0
                is_decimal = self.kind == "decimal" and digits <= _MOST_DIGITS and (self.scale or 0) <= wanted.scale
                return is_decimal or self.kind in _INTEGERS
            case "date":
                return self.kind == "date"
            case "timestamp":
                return self.kind in ("datetime", "timestamp")
        return False

    def written_as(self, wanted: LogicalType) -> pa.DataType:
        match self.kind:
            case "decimal" if wanted.kind == "decimal":
                return pa.decimal128(self.precision, self.scale)
            case "date":
                return pa.date32()
            case "datetime":
                return pa.timestamp("us")
            case "timestamp":
                return pa.timestamp("us", tz="UTC")
        return self.as_integer


def columns_of(session: MySqlSession, table: str) -> list[ServerColumn]:
    """In the table's order; none if there is no such table."""
    rows = session.query(
        "select column_name, lower(data_type), column_type, numeric_precision, numeric_scale, is_nullable = 'YES',"
        f" column_comment, extra from information_schema.columns where table_schema = {text(session.target.database)}"
        f" and table_name = {text(table)} order by ordinal_position"
    )
    return [
        ServerColumn(
            name=str(name),
            kind=str(kind),
            declared=_str(declared),
            precision=int(precision) if precision is not None else None,
            scale=int(scale) if scale is not None else None,
            is_nullable=bool(nullable),
            comment=_str(comment),
            extra=_str(extra),
        )
        for name, kind, declared, precision, scale, nullable, comment, extra in rows
    ]


def typed(values: pa.Array, server: ServerColumn, wanted: Column | None, *, as_text: bool) -> pa.Array:
    """The values of a column as they are written into a file. `HeldAsText` if one of them is none of its type."""
    if wanted is None or wanted.type.kind == "text":
        return values
    if as_text or not server.is_held_by(wanted.type):
        return _as_text(values, server, wanted)
    try:
        if server.kind == "timestamp":  # written without a zone, in a session of UTC
            values = values.cast(pa.timestamp("us"))
        return values.cast(server.written_as(wanted.type))
    except pa.ArrowInvalid:
        raise HeldAsText([wanted.name]) from None


def _as_text(values: pa.Array, server: ServerColumn, wanted: Column) -> pa.Array:
    """In the form that ingestion expects of a text for the contract's type."""
    match wanted.type.kind:
        case "decimal" if server.kind == "decimal" and server.scale:
            values = pc.replace_substring_regex(values, r"0+$", "")  # the server writes every place that there could be
            return pc.replace_substring_regex(values, r"\.$", "")
        case "boolean" if server.kind in _INTEGERS or server.kind == "bit":
            values = pc.if_else(pc.equal(values, "1"), "true", values)
            return pc.if_else(pc.equal(values, "0"), "false", values)
        case "timestamp" if server.kind in ("datetime", "timestamp", "date"):
            if server.kind == "date":
                values = pc.binary_join_element_wise(values, "00:00:00", " ")
            has_fraction = pc.match_substring(values, ".")
            values = pc.if_else(has_fraction, values, pc.binary_join_element_wise(values, "0", "."))
            return pc.binary_join_element_wise(values, "+0000", "") if server.kind == "timestamp" else values
    return values


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _str(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
