"""Options that several commands have, and what their values mean."""

from datetime import datetime
from typing import Annotated

import typer

from vending_platform.catalog import Catalog
from vending_platform.ingestion import Selection

FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First business day.")]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business day.")]
AllDays = Annotated[bool, typer.Option("--all", help="Every business day; also what happens without --from and --to.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Only this source. Can be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same for machines.")]


def selection_of(
    catalog: Catalog, first: datetime | None, last: datetime | None, all_days: bool, sources: list[str] | None
) -> Selection:
    if all_days and (first or last):
        raise typer.BadParameter("--all and --from/--to exclude each other")
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
    check_known([source.name for source in catalog], "source", sources or [])
    return Selection(
        first_day=first.date() if first else None,
        last_day=last.date() if last else None,
        sources=frozenset(sources) if sources else None,
    )


def check_known(names: list[str], kind: str, wanted: list[str]) -> None:
    for name in wanted:
        if name not in names:
            raise typer.BadParameter(f"no {kind} is called {name!r}; there are: {', '.join(names)}")
