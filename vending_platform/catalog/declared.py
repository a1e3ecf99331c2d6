"""How the values of a contract are written: durations, shares, single characters, lists of words."""

import re
from datetime import timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Declared(BaseModel):
    """A misspelt key is an error, never an ignored wish."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


def _duration(value: object) -> object:
    found = re.fullmatch(r"(\d+)(m|h|d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a duration; write a number and m, h or d, such as 90m, 2h or 400d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


def _share(value: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", value) if isinstance(value, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError(f"{value!r} is not a share; write a percentage from 0% to 100%")
    return float(found[1]) / 100


def _ascii(value: str) -> str:
    if not value.isascii():
        raise ValueError(f"{value!r} is not ASCII, and only ASCII stands for itself in the bytes of every encoding")
    return value


def _delimiter(value: object) -> object:
    if value == "tab":
        return "\t"
    if not isinstance(value, str) or len(value) != 1:
        raise ValueError(f"{value!r} is not one character; write a single one, such as ';', or the word tab")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is not a time zone; write a name such as Asia/Tokyo") from None
    return value


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Share = Annotated[float, BeforeValidator(_share)]
Character = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_ascii)]
Delimiter = Annotated[Character, BeforeValidator(_delimiter)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
OneOrMore = BeforeValidator(_listed)
"""A bare word is a list of one."""
Words = Annotated[tuple[str, ...], OneOrMore]
