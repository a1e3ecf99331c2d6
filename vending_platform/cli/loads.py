"""Commands that load deliveries, or look at what would be loaded."""

from pathlib import Path
from typing import Annotated

import typer

from vending_platform import environment, ingestion, operations
from vending_platform.cli.consoles import NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.observers import progress_bar, recorded
from vending_platform.cli.options import AllDays, FirstDay, LastDay, Sources, check_known, selection_of
from vending_platform.cli.views import checked_package_view, checked_view, summary_view
from vending_platform.ingestion import Summary
from vending_platform.opening import Platform, open_platform
from vending_platform.status import needs_a_person


def ingest(
    first: FirstDay = None,
    last: LastDay = None,
    all_days: AllDays = False,
    source: Sources = None,
    withdraw: Annotated[bool, typer.Option(help="Also take out the rows of files that are gone.")] = False,
    verify: Annotated[bool, typer.Option(help="Read and hash every file, even if it looks unchanged.")] = False,
) -> None:
    """Load every delivery that is new or was corrected. Doing it again does no harm."""
    with errors_shown():
        platform = open_platform(environment.load())
        selection = selection_of(platform.catalog, first, last, all_days, source)
        with progress_bar("Loading") as bar, recorded(platform, "vending ingest", bar) as observed:
            summary = operations.ingest(observed, selection, withdraw=withdraw, verify=verify)
        _report(summary, platform)


def replay(first: FirstDay = None, last: LastDay = None, all_days: AllDays = False, source: Sources = None) -> None:
    """Read again what was quarantined or rejected, or was read under a contract that has changed since."""
    with errors_shown():
        platform = open_platform(environment.load())
        selection = selection_of(platform.catalog, first, last, all_days, source)
        with progress_bar("Reading again") as bar, recorded(platform, "vending replay", bar) as observed:
            summary = operations.replay(observed, selection)
        _report(summary, platform)


def check(
    files: Annotated[list[Path], typer.Argument(exists=True, readable=True, help="Any files, or folders of packages.")],
    source: Annotated[str | None, typer.Option(help="The contract to hold them against, whatever their names.")] = None,
) -> None:
    """Show what is wrong with files or packages, at which line and column, without loading them."""
    with errors_shown():
        catalog = open_platform(environment.load()).catalog
        if source is not None:
            check_known([contract.name for contract in catalog], "source", [source])
        all_fine = True
        for path in files:
            if path.is_dir():
                package = ingestion.check_package(catalog, path)
                out.print(checked_package_view(package))
                all_fine = all_fine and package.is_fine
                continue
            checked = ingestion.check(catalog, path, source)
            out.print(checked_view(path.name, checked))
            all_fine = all_fine and checked.is_fine
        if not all_fine:
            raise typer.Exit(NEEDS_A_PERSON)


def _report(summary: Summary, platform: Platform) -> None:
    out.print(summary_view(summary))
    exit_if_a_person_is_needed(summary, platform)


def exit_if_a_person_is_needed(summary: Summary, platform: Platform) -> None:
    """What an earlier run found, and is not fixed yet, needs a person as much as what this one did."""
    something_is_open = needs_a_person(platform)
    if something_is_open and not summary.needs_a_person:
        out.print("\nStill open from before: vending status")
    if something_is_open or summary.needs_a_person:
        raise typer.Exit(NEEDS_A_PERSON)
