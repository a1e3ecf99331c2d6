"""The types a contract may give a column, and the lexical form that text must have before it is cast."""

import re
from dataclasses import dataclass

import pyarrow as pa

KINDS = ("text", "integer", "decimal(precision,scale)", "boolean", "date", "timestamp")

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE_DIRECTIVES = {
    "%Y": r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})",  # there was no year 0
    "%y": r"[0-9]{2}",  # 69 to 99 are of the last century
    "%m": r"[0-9]{2}",
    "%-m": r"[0-9]{1,2}",
    "%b": f"(?i:{'|'.join(name[:3] for name in _MONTHS)})",
    "%B": f"(?i:{'|'.join(_MONTHS)})",
    "%d": r"[0-9]{2}",
    "%-d": r"[0-9]{1,2}",
    "%a": f"(?i:{'|'.join(name[:3] for name in _WEEKDAYS)})",
    "%A": f"(?i:{'|'.join(_WEEKDAYS)})",
}
_TIME_DIRECTIVES = {
    "%H": r"[0-9]{2}",
    "%-H": r"[0-9]{1,2}",
    "%I": r"[0-9]{2}",
    "%-I": r"[0-9]{1,2}",
    "%p": r"(?i:AM|PM)",
    "%M": r"[0-9]{2}",
    "%S": r"[0-9]{2}",
    "%f": r"[0-9]{1,6}",
    "%g": r"[0-9]{3}",
    "%z": r"[+-][0-9]{2}:?[0-9]{2}",
}


@dataclass(frozen=True)
class LogicalType:
    """A column's type, the same on every warehouse."""

    kind: str
    precision: int = 0
    scale: int = 0

    @property
    def arrow(self) -> pa.DataType:
        match self.kind:
            case "integer":
                return pa.int64()
            case "decimal":
                return pa.decimal128(self.precision, self.scale)
            case "boolean":
                return pa.bool_()
            case "date":
                return pa.date32()
            case "timestamp":
                return pa.timestamp("us")
            case _:
                return pa.string()

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.kind == "decimal" else self.kind


def parse_type(text: str) -> LogicalType:
    """The type that a contract names; ValueError says which exist."""
    if found := _DECIMAL.fullmatch(text):
        precision, scale = int(found[1]), int(found[2])
        if not 1 <= precision <= 38 or scale > precision:
            raise ValueError(f"{text!r} is impossible: precision goes from 1 to 38, scale from 0 to precision")
        return LogicalType("decimal", precision, scale)
    if text in ("text", "integer", "boolean", "date", "timestamp"):
        return LogicalType(text)
    raise ValueError(f"unknown type {text!r}; allowed: {', '.join(KINDS)}")


def weekday_of(kind: str, form: str) -> tuple[str, str] | None:
    """The directive by which a format gives the day of the week, and the expression whose only group is that day: a
    parser passes over it, and a wrong one is a wrong date."""
    for directive in ("%a", "%A"):
        if directive in form:
            before, _, after = form.partition(directive)
            around = [_expression(kind, part, form) for part in (before, after)]
            return directive, f"({_DATE_DIRECTIVES[directive]})".join(around)
    return None


def format_pattern(kind: str, form: str) -> str:
    """The regular expression of texts that have the date or time format `form`; ValueError if it is none."""
    pattern = _expression(kind, form, form)
    parts = {piece.replace("-", "") for piece in re.findall(r"%-?.", form)}
    if not ("%d" in parts and parts & {"%Y", "%y"} and parts & {"%m", "%b", "%B"}):
        raise ValueError(f"format {form!r} does not give year, month and day")
    if kind == "timestamp" and not ({"%H", "%M"} <= parts or {"%I", "%p", "%M"} <= parts):
        raise ValueError(f"format {form!r} does not give hour and minute")
    if "%z" in parts and parts & {"%a", "%A"} and not form.endswith("%z"):
        raise ValueError(f"format {form!r} has a day of the week and an offset; then the offset must come last")
    return pattern


def _expression(kind: str, part: str, form: str) -> str:
    allowed = _DATE_DIRECTIVES | (_TIME_DIRECTIVES if kind == "timestamp" else {})
    pattern = ""
    for piece in re.findall(r"%-?.|[^%]+|%$", part):
        if not piece.startswith("%"):
            pattern += re.escape(piece)
        elif piece in allowed:
            pattern += allowed[piece]
        else:
            raise ValueError(f"{piece!r} in format {form!r} is unknown for a {kind}; allowed: {', '.join(allowed)}")
    return pattern
