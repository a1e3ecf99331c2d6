"""How figures are shown."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    what: str
    figure: str
    limit: str
    is_within: bool


def show(rows: Iterable[Row]) -> None:
    table = Table("what", "figure", "limit", "")
    for row in rows:
        table.add_row(row.what, row.figure, row.limit, "within" if row.is_within else "[red]beyond[/]")
    Console().print(table)
