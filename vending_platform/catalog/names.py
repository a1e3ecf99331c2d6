"""What a delivered file's name says: the sender and the business day that a contract's name pattern finds in it."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

PARTS = {
    "yyyymmdd": r"(?P<day>[0-9]{8})",
    "yyyy-mm-dd": r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})",
    "any": r"[^/]+",
}
"""What a pattern may say in braces besides the sender, which is called as the contract calls it."""
_SENDER = r"(?P<sender>[A-Za-z0-9][A-Za-z0-9-]*)"


class NameParts(NamedTuple):
    sender: str | None
    business_date: date | None


@dataclass(frozen=True)
class NamePattern:
    """One way to name a source's files, such as `orders_{shop}_{yyyymmdd}.csv`."""

    template: str
    expression: re.Pattern[str]

    @property
    def has_sender(self) -> bool:
        return "sender" in self.expression.groupindex

    @property
    def has_day(self) -> bool:
        return "day" in self.expression.groupindex

    @property
    def example(self) -> str:
        day = date(2024, 3, 15)
        examples = {"yyyymmdd": f"{day:%Y%m%d}", "yyyy-mm-dd": f"{day}", "any": "x"}
        return re.sub(r"\{([^{}]*)\}", lambda found: examples.get(found[1], "A001"), self.template)

    @cached_property
    def prefix(self) -> str:
        """How every such name begins."""
        return self.template.partition("{")[0]

    @cached_property
    def _groups(self) -> tuple[int, int]:
        """The numbers of the sender and the day in the expression; 0 where it has none."""
        return self.expression.groupindex.get("sender", 0), self.expression.groupindex.get("day", 0)

    def match(self, name: str) -> NameParts | None:
        """What `name` says; None if it is not named this way. ValueError if it is, but gives an impossible day."""
        found = self.expression.fullmatch(name)
        if found is None:
            return None
        sender, day = self._groups
        return NameParts(found[sender] if sender else None, _day(found[day]) if day else None)


@lru_cache(maxsize=10_000)  # of many files few are of different days
def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise ValueError(f"{said} in the name is not a valid date") from None


def parse_name_pattern(template: str, sender: str | None = None) -> NamePattern:
    """The pattern that a contract's template means, if a sender is called `sender`; ValueError says what is impossible
    about it."""
    parts = {**({sender: _SENDER} if sender is not None else {}), **PARTS}
    expression, seen = "", set()
    for piece in re.findall(r"\{[^{}]*\}|[^{}]+|[{}]", template):
        if piece in ("{", "}"):
            raise ValueError(f"name pattern {template!r} has a lone {piece}")
        if not piece.startswith("{"):
            if "/" in piece:
                raise ValueError(f"name pattern {template!r} has a folder: the name alone says what a file is")
            expression += re.escape(piece)
            continue
        part = piece[1:-1]
        if part not in parts:
            allowed = ", ".join(f"{{{name}}}" for name in parts)
            raise ValueError(f"unknown part {piece} in name pattern {template!r}; allowed: {allowed}")
        kind = "day" if part.startswith("yyyy") else part
        if kind in seen and kind != "any":
            raise ValueError(f"name pattern {template!r} names its {kind} twice")
        seen.add(kind)
        expression += parts[part]
    if not expression:
        raise ValueError("a name pattern can't be empty")
    return NamePattern(template, re.compile(expression))
