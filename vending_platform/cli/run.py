"""The command that does everything that there is to do."""

from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import FAILED
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.loads import exit_if_a_person_is_needed
from vending_platform.cli.observers import ResultPrinter, progress_bar
from vending_platform.cli.options import FirstDay, LastDay, check_known, selection_of
from vending_platform.opening import open_platform


def run(
    first: FirstDay = None,
    last: LastDay = None,
    all_days: Annotated[bool, typer.Option("--all", help="Build every day again, stale or not.")] = False,
    select: Annotated[list[str] | None, typer.Option(help="Only this model. Can be given several times.")] = None,
    skip_code_changes: Annotated[
        bool, typer.Option("--skip-code-changes", help="Leave what older code has built as it is, for now.")
    ] = False,
    unverified: Annotated[
        str | None, typer.Option(help="Why production may use a version that staging has not verified. It is kept.")
    ] = None,
) -> None:
    """Load what is new, build the marts of every day that it reaches, and bring the exports up to date.

    Before it starts, it shows what it will build and why. What older code has built is built again, unless
    --skip-code-changes postpones that. With --from and --to exactly these days are built again; deliveries of other
    days wait.
    """
    with errors_shown():
        platform = open_platform(environment.load())
        selection = selection_of(platform.catalog, first, last, all_days, None)
        check_known([model.name for model in platform.catalog.models], "model", select or [])
        from vending_platform.orchestration import run_daily  # a second of imports, and few commands need them

        with progress_bar("Loading") as bar:
            results = ResultPrinter(bar, platform.environment.places.processed)
            went_well = run_daily(
                platform.observed_by(bar, results),
                first_day=selection.first_day,
                last_day=selection.last_day,
                every_day=all_days,
                models=select or [],
                skip_code_changes=skip_code_changes,
                unverified_because=unverified,
            )
        if not went_well:
            raise typer.Exit(FAILED)
        exit_if_a_person_is_needed(results.summaries[0], platform)
