"""Conditions that several queries share, as SQL."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date

from vending_platform.warehouse import literal

_PLAIN = re.compile(r"[^'\\\x00-\x1f\ud800-\udfff]*")
_NO_DAY = date(1900, 1, 1)


def among(names: Iterable[str]) -> str:
    """For `in (…)`."""
    return ", ".join(map(literal, names)) or "null"


def paths_between(first: str, last: str) -> str:
    """The condition that holds for every path between these two, and for few others: both are cut where a character
    comes that warehouses write in different ways."""
    cut = [_PLAIN.match(path)[0] for path in (first, last)]  # type: ignore[index]  # it matches nothing too
    # Compared as it is, a warehouse can pass over what lies outside; cut, it is the beginning of many.
    upper = "path" if cut[1] == last else f"substr(path, 1, {len(cut[1])})"
    return f"path >= '{cut[0]}' and {upper} <= '{cut[1]}'"


def of_days(days: Mapping[str, Set[date | None]]) -> str:
    """The condition for what these sources hold of these days, and perhaps of others between them."""
    dated = [day for found in days.values() for day in found if day is not None] or [_NO_DAY]
    undated = [name for name, found in sorted(days.items()) if None in found] or [""]  # which is not a source's name
    return (
        f"source in ({among(sorted(days))})"
        f" and (business_date between {literal(min(dated))} and {literal(max(dated))}"
        f" or source in ({among(undated)}))"
    )


def on_days(column: str, days: Sequence[date]) -> str:
    """The condition for these days; as a range too, by which a warehouse can leave the others unread."""
    first, last = literal(min(days)), literal(max(days))
    return f"({column} between {first} and {last} and {column} in ({', '.join(map(literal, sorted(days)))}))"
