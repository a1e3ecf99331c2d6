"""Items that no contract takes: how many, and what they look like, without any value that could be a person's.

They look like the attributes by which contracts tell kinds of items apart. Of such an attribute a value is shown if it
reads like the name of a kind, and if there are few; of one whose contracts know only the beginning, the beginning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vending_platform.catalog import Source
from vending_platform.extraction.dynamodb.reading import NEW, Items, extract_of
from vending_platform.extraction.engine import text
from vending_platform.extraction.interface import UndeclaredItems, summed

_MOST_KINDS = 20
"""With more, an attribute does not name kinds."""
_KIND = "[A-Za-z][A-Za-z_.-]{0,39}"
_BEGINNING = r"^([A-Za-z][A-Za-z_.-]{0,39})[#:/|]"
_OTHER = "…"


@dataclass(frozen=True)
class _Discriminator:
    """An attribute that contracts name in `where`. `is_prefix`: some contract knows only how its values begin."""

    attribute: str
    is_prefix: bool

    def shape(self, column: str) -> str:
        """SQL for what is shown of a value."""
        if self.is_prefix:
            found = f"regexp_extract({column}, {text(_BEGINNING)}, 1)"
            return f"case when {column} is null then null when {found} = '' then {text(_OTHER)} else {found} end"
        is_kind = f"regexp_full_match({column}, {text(_KIND)})"
        return f"case when {column} is null or {is_kind} then {column} else {text(_OTHER)} end"

    def words(self, shape: str | None) -> str:
        if shape is None:
            return f"no {self.attribute}"
        if shape == _OTHER:
            return f"another {self.attribute}"
        return f"{self.attribute} {shape}{_OTHER if self.is_prefix else ''}"


def undeclared(items: Items) -> tuple[UndeclaredItems, ...]:
    """Of the items as they are now, those that belong to no source of the table; the most frequent first."""
    taken = " or ".join(f"({items.belongs(source, NEW)})" for source in items.declared)
    which = f"has_{NEW} and not ({taken})"
    named = [one for one in _discriminators(items.declared) if _is_name_of_kinds(one, items, which)]
    shapes = "".join(f"{one.shape(items.value(NEW, one.attribute))}, " for one in named)
    found = items.engine.execute(f"select {shapes}count(*) from items where {which} group by all").fetchall()
    return summed(
        UndeclaredItems(
            items.table, ", ".join(one.words(shape) for one, shape in zip(named, shown, strict=True)), count
        )
        for (*shown, count) in found
        if count
    )


def _discriminators(sources: Sequence[Source]) -> Iterator[_Discriminator]:
    patterns: dict[str, list[str]] = {}
    for source in sources:
        for name, values in extract_of(source).where.items():
            patterns.setdefault(name, []).extend(values)
    for name, known in patterns.items():
        yield _Discriminator(name, any(value.endswith("*") for value in known))


def _is_name_of_kinds(one: _Discriminator, items: Items, which: str) -> bool:
    shape = one.shape(items.value(NEW, one.attribute))
    ((kinds,),) = items.engine.execute(f"select count(distinct {shape}) from items where {which}").fetchall()
    return bool(kinds <= _MOST_KINDS)
