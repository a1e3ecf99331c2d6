"""Conditions on rows, as SQL."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Days
from vending_platform.warehouse import literal, quoted

NEVER, ALWAYS = "1 = 0", "1 = 1"
_LARGEST_DOUBLE = Decimal("1.7976931348623157e308")
_EXAMPLES = (
    (pa.types.is_date, "2024-03-15"),
    (pa.types.is_timestamp, "'2024-03-15 10:30:00'"),
    (pa.types.is_boolean, "true or false"),
    (lambda _: True, "130 or 0.5"),
)


class NotAValue(ValueError):
    """The column can't hold it; the message is how a value of it is written."""


def equals(field: pa.Field, text: str) -> str:
    """The condition that a column has the value that a person wrote; an empty text stands for none."""
    column, kind = quoted(field.name), field.type
    if text == "":
        return f"{column} is null"
    try:
        value = _value(kind, text)
    except (ValueError, InvalidOperation, OverflowError):
        raise NotAValue(next(example for is_it, example in _EXAMPLES if is_it(kind))) from None
    return NEVER if value is None else f"{column} = {value}"


def _value(kind: pa.DataType, text: str) -> str | None:
    """As SQL writes it; None if it is a value that no column of this type has."""
    if pa.types.is_date(kind):
        return literal(date.fromisoformat(text))
    if pa.types.is_timestamp(kind):
        return f"timestamp '{datetime.fromisoformat(text).replace(tzinfo=None).isoformat(' ')}'"
    if pa.types.is_boolean(kind):
        return {"true": "true", "false": "false"}[text.lower()] if text.lower() in ("true", "false") else _not(text)
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        number = Decimal(text)
        return _number(kind, number) if number.is_finite() else _not(text)
    return literal(text)


def _number(kind: pa.DataType, number: Decimal) -> str | None:
    """A number of any size is compared only with a column that may hold it."""
    if pa.types.is_floating(kind):
        return f"cast('{number}' as double)" if abs(number) <= _LARGEST_DOUBLE else None
    scale = kind.scale if pa.types.is_decimal(kind) else 0
    most = Decimal(10) ** (kind.precision - scale) if pa.types.is_decimal(kind) else Decimal(2) ** (kind.bit_width - 1)
    if abs(number) >= most or _decimals(number) > scale:
        return None
    return format(number, "f") if number else "0"


def _decimals(number: Decimal) -> int:
    """How many of them are not zeros at the end."""
    _, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits))
    return -int(exponent) - (len(written) - len(written.rstrip("0")))


def _not(text: str) -> str:
    raise ValueError(text)


def within(column: str, days: Iterable[Days]) -> str:
    """On one of the days of these stretches."""
    each = [f"{column} between {literal(first)} and {literal(last)}" for first, last in days]
    return f"({' or '.join(each) or NEVER})"


def listed(values: Iterable[Any]) -> str:
    """For `in (…)`, in one order."""
    return ", ".join(sorted(map(_written, values)))


def _written(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return f"timestamp '{value.replace(tzinfo=None).isoformat(' ')}'"
        case float():
            return f"cast('{value!r}' as double)"
        case Decimal():
            return format(value, "f")
        case timedelta() | bytes():
            raise TypeError(f"a row can't be found by {type(value).__name__} {value!r}")
    return literal(value)
