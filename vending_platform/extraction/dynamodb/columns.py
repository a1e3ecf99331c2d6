"""How the values of a column, which come as texts, become its type in a file: all of them exactly, or the column stays
text, and ingestion rejects by name the rows whose values are none of its type."""

from dataclasses import dataclass

import pyarrow as pa

from vending_platform.catalog import Column
from vending_platform.extraction.engine import text

_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
_ZONE = "(Z|[+-][0-9]{2}:?[0-9]{2})$"


@dataclass(frozen=True)
class TypedColumn:
    column: Column

    @property
    def arrow(self) -> pa.DataType:
        match self.column.type.kind:
            case "integer":
                return pa.int64()
            case "decimal":
                return pa.decimal128(self.column.type.precision, self.column.type.scale)
            case "boolean":
                return pa.bool_()
            case "date":
                return pa.date32()
            case "timestamp":
                return pa.timestamp("us", None if self.column.time_zone else "UTC")
        return pa.string()

    def fits(self, value: str) -> str | None:
        """SQL that is true where nothing is lost; None for a type that holds everything."""
        is_castable = f"try_cast({value} as {self.sql}) is not null"
        match self.column.type.kind:
            case "text":
                return None
            case "integer":
                return f"regexp_full_match({value}, '-?[0-9]{{1,19}}') and {is_castable}"
            case "decimal":
                whole, places = self.column.type.precision - self.column.type.scale, self.column.type.scale
                fraction = rf"(\.[0-9]{{1,{places}}})?" if places else ""
                return f"regexp_full_match({value}, '-?[0-9]{{1,{max(whole, 1)}}}{fraction}') and {is_castable}"
            case "boolean":
                return f"{value} in ('true', 'false')"
            case "date":
                return f"regexp_full_match({value}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') and {is_castable}"
            case _:
                has_zone = f"regexp_matches({value}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$')"
                wanted = has_zone if self.column.time_zone is None else f"not {has_zone}"
                return f"regexp_full_match({value}, {text(_MOMENT)}) and {wanted} and {is_castable}"

    @property
    def sql(self) -> str:
        match self.column.type.kind:
            case "integer":
                return "bigint"
            case "decimal":
                return f"decimal({self.column.type.precision}, {self.column.type.scale})"
            case "timestamp":
                return "timestamp" if self.column.time_zone else "timestamptz"
            case kind:
                return {"boolean": "boolean", "date": "date"}.get(kind, "varchar")

    def as_text(self, value: str) -> str:
        """For a column of which some value does not fit: times in the form in which ingestion reads them."""
        if self.column.type.kind != "timestamp":
            return value
        date, time = f"{value}[1:10]", f"{value}[12:19]"
        fraction = f"coalesce(nullif(regexp_extract({value}, '\\.[0-9]+'), ''), '.0')"
        zone = f"replace(replace(regexp_extract({value}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$'), 'Z', '+0000'), ':', '')"
        return (
            f"case when regexp_full_match({value}, {text(_MOMENT)})"
            f" then {date} || ' ' || {time} || {fraction} || {zone} else {value} end"
        )
