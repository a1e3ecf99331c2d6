"""SQL for what a clock on the wall means: which moment its time is, if it is one.

Where clocks are put forward some times do not exist, and where they are put back some come twice. Both are told from
the offsets that hold a day before and a day after: where these agree, and nearly always they do, nothing else is asked.
DuckDB's own time zones decide, so the answer is the same in every environment.
"""

from vending_platform.catalog import Column
from vending_platform.environment import BUSINESS_TIME_ZONE

_STEADY_SINCE = {"Asia/Tokyo": "1952-01-01"}
"""From when on no clock was moved."""


def local_name(column: Column) -> str:
    """The column that holds what the clock showed; a blank can't be in a contract's own names."""
    return f'"local {column.name}"'


def instant(column: Column) -> str:
    """The time in Japan at which clocks in the column's zone showed it; null where there was no such time, or where
    there were two and the contract does not say which is meant."""
    zone, local = column.time_zone or BUSINESS_TIME_ZONE, local_name(column)
    before, after = _moments(zone, local)
    which = {"earlier": before, "later": after, None: "null"}[column.ambiguous_times]
    moment = (
        f"case when {before} = {after} then {before}"
        f" when {_shows(zone, before, local)} and {_shows(zone, after, local)} then {which}"
        f" when {_shows(zone, before, local)} then {before}"
        f" when {_shows(zone, after, local)} then {after} end"
    )
    in_japan = _at(BUSINESS_TIME_ZONE, moment)
    if zone == BUSINESS_TIME_ZONE:
        exact = f"case when {in_japan} is not null then {local} end"
        return f"case when {local} >= timestamp '{_STEADY_SINCE[zone]}' then {local} else {exact} end"
    return in_japan


def why_no_instant(column: Column) -> str:
    """SQL for why a time on the clock is no moment."""
    zone, local = column.time_zone or BUSINESS_TIME_ZONE, local_name(column)
    before, _ = _moments(zone, local)
    twice = f" came twice in {zone}, where clocks were put back; ambiguous_times in the contract can say which is meant"
    never = f" did not exist in {zone}, where clocks were put forward"
    return f"case when {_shows(zone, before, local)} then '{twice}' else '{never}' end"


def day_in(zone: str, moment: str) -> str:
    """The date in a zone of a time in Japan."""
    return _at(zone, f"timezone('{BUSINESS_TIME_ZONE}', {moment})")


def _moments(zone: str, local: str) -> tuple[str, str]:
    """The moment that it was if clocks stood as a day before, and if they stood as a day after."""
    return _utc(f"{local} - {_offset(zone, local, '-')}"), _utc(f"{local} - {_offset(zone, local, '+')}")


def _offset(zone: str, local: str, sign: str) -> str:
    near = f"({local} {sign} interval 1 day)"
    return f"({_at(zone, _utc(near))} - {near})"


def _shows(zone: str, moment: str, local: str) -> str:
    return f"{_at(zone, moment)} = {local}"


def _utc(time: str) -> str:
    return f"timezone('UTC', {time})"


def _at(zone: str, moment: str) -> str:
    return f"timezone('{zone}', {moment})"
