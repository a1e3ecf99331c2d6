"""What the views have in common: counts, tables, and lists of what needs a person."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

SHOWN = 10
"""How many things of one kind are listed before the rest is only counted."""
_READABLE = 6


def problem_lists(kinds: Iterable[tuple[str, Sequence[str], str | None]]) -> Iterator[RenderableType]:
    for title, things, advice in kinds:
        if not things:
            continue
        yield Text(f"\n{title} ({with_commas(len(things))})", style="bold yellow")
        for thing in things[:SHOWN]:
            yield Text(f"  {thing}")
        if len(things) > SHOWN:
            yield Text(f"  … and {with_commas(len(things) - SHOWN)} more")
        if advice is not None:
            yield Text(f"  → {advice}", style="dim")


def few(names: Sequence[str], noun: str) -> str:
    """The names, unless they are too many to be read."""
    return ", ".join(names) if len(names) <= _READABLE else count(len(names), noun)


def new_table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number else "left")
    return table


def with_commas(value: int) -> str:
    return f"{value:,}"


def count(number: int, thing: str) -> str:
    return f"{with_commas(number)} {thing}{'' if number == 1 else 's'}"
