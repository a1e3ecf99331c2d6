"""What a delivered file's path says: the sender and the business day or month that a contract's name pattern finds."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

from vending_platform.catalog.grain import Grain

PARTS = {
    "yyyymmdd": r"[0-9]{8}",
    "yyyy-mm-dd": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "yyyymm": r"[0-9]{6}",
    "yyyy-mm": r"[0-9]{4}-[0-9]{2}",
    "yymm": r"[0-9]{4}",
    "any": r"[^/]+",
}
"""What a pattern may say in braces besides the sender, which is called as the contract calls it."""
_SENDER = r"[A-Za-z0-9][A-Za-z0-9-]*"
_DAYS, _MONTHS = ("yyyymmdd", "yyyy-mm-dd"), ("yyyymm", "yyyy-mm", "yymm")
_EXAMPLE = date(2024, 3, 15)


class NameParts(NamedTuple):
    sender: str | None
    business_date: date | None
    """Of a month its first day."""


@dataclass(frozen=True)
class NamePattern:
    """One way to name a source's files, such as `orders_{shop}_{yyyymmdd}.csv` or, with their folders,
    `raw/yyyymm={yyyymm}/{shop}/orders_{shop}_{yymm}.csv`."""

    template: str
    expression: re.Pattern[str]
    strict: re.Pattern[str]
    """The same, if a part that is named twice has to have the same value to fit at all."""
    parts: tuple[str, ...]
    """What stands in the braces, the sender as `sender`, without `any`; in the order of the expression's groups."""

    @property
    def has_folders(self) -> bool:
        """Whether it is about the whole path, and not about a file's name in whatever folder."""
        return "/" in self.template

    @property
    def has_sender(self) -> bool:
        return "sender" in self.parts

    @property
    def grain(self) -> Grain | None:
        """What a file's path gives: a day, a month or neither."""
        if any(part in _DAYS for part in self.parts):
            return Grain.DAY
        return Grain.MONTH if any(part in _MONTHS for part in self.parts) else None

    @property
    def example(self) -> str:
        values = {**_written(_EXAMPLE), "any": "x"}
        return re.sub(r"\{([^{}]*)\}", lambda found: values.get(found[1], "A001"), self.template)

    def written(self, sender: str, day: date) -> str:
        """The name or path of this sender and day; of a pattern without `any`."""
        values = _written(day)
        return re.sub(r"\{([^{}]*)\}", lambda found: values.get(found[1], sender), self.template)

    @cached_property
    def prefix(self) -> str:
        """How every such name or path begins."""
        return self.template.partition("{")[0]

    @cached_property
    def _senders(self) -> tuple[int, ...]:
        """The numbers of the groups that hold the sender."""
        return tuple(number for number, part in enumerate(self.parts, start=1) if part == "sender")

    @cached_property
    def _dates(self) -> tuple[tuple[int, str], ...]:
        return tuple((number, part) for number, part in enumerate(self.parts, start=1) if part != "sender")

    def match(self, name: str) -> NameParts | None:
        """What a name (of a pattern with folders, a path) says; None if it is not named this way. ValueError if it is,
        but gives an impossible day, or the same thing twice in different ways."""
        found = self.strict.fullmatch(name) or self.expression.fullmatch(name)
        if found is None:
            return None
        sender = None
        for number in self._senders:
            if sender is not None and found[number] != sender:
                raise ValueError(f"it names two senders, {sender} and {found[number]}")
            sender = found[number]
        day, is_month = None, True
        for number, part in self._dates:
            one = _date(found[number], part)
            if day is not None and not _agree(day, one, is_month or part in _MONTHS):
                raise ValueError(f"it names two times that do not agree, {day} and {found[number]}")
            if day is None or (is_month and part in _DAYS):
                day, is_month = one, part in _MONTHS
        return NameParts(sender, day)


def _written(day: date) -> dict[str, str]:
    """How a pattern's parts write a day or its month."""
    return {
        "yyyymmdd": f"{day:%Y%m%d}",
        "yyyy-mm-dd": f"{day:%Y-%m-%d}",
        "yyyymm": f"{day:%Y%m}",
        "yyyy-mm": f"{day:%Y-%m}",
        "yymm": f"{day:%y%m}",
    }


def _agree(one: date, other: date, as_months: bool) -> bool:
    return one == other or (as_months and one.replace(day=1) == other.replace(day=1))


@lru_cache(maxsize=10_000)  # of many files few are of different days
def _date(written: str, part: str) -> date:
    try:
        if part in _DAYS:
            return date.fromisoformat(written)
        if part == "yymm":
            return date(int(written[:2]) + (1900 if written[:2] >= "69" else 2000), int(written[2:]), 1)
        return date(int(written[:4]), int(written[-2:]), 1)
    except ValueError:
        kind = "date" if part in _DAYS else "month"
        raise ValueError(f"{written} in the name is not a valid {kind}") from None


def parse_name_pattern(template: str, sender: str | None = None) -> NamePattern:
    """The pattern that a contract's template means, if a sender is called `sender`; ValueError says what is impossible
    about it."""
    allowed = {**({sender: _SENDER} if sender is not None else {}), **PARTS}
    loose, strict = "", ""
    groups: list[str] = []
    for piece in re.findall(r"\{[^{}]*\}|[^{}]+|[{}]", template):
        if piece in ("{", "}"):
            raise ValueError(f"name pattern {template!r} has a lone {piece}")
        if not piece.startswith("{"):
            loose, strict = loose + re.escape(piece), strict + re.escape(piece)
            continue
        part = piece[1:-1]
        if part not in allowed:
            names = ", ".join(f"{{{name}}}" for name in allowed)
            raise ValueError(f"unknown part {piece} in name pattern {template!r}; allowed: {names}")
        if part == "any":
            loose, strict = loose + allowed[part], strict + allowed[part]
            continue
        name = "sender" if part == sender else part
        strict += f"(\\{groups.index(name) + 1})" if name in groups else f"({allowed[part]})"
        loose += f"({allowed[part]})"
        groups.append(name)
    if not template:
        raise ValueError("a name pattern can't be empty")
    if template.startswith("/") or not set(template.split("/")).isdisjoint(("", ".", "..")):
        raise ValueError(
            f"name pattern {template!r} is not a path within the raw place: no / at an end, no . and no .."
        )
    return NamePattern(template, re.compile(loose), re.compile(strict), tuple(groups))
