"""The command that turns what databases hold into deliveries."""

from datetime import date, datetime
from typing import Annotated

import typer

from vending_platform import environment, extraction, operations
from vending_platform.cli.consoles import FAILED, NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown, print_failure
from vending_platform.cli.observers import emitted, progress_bar
from vending_platform.cli.options import FirstDay, LastDay, check_known
from vending_platform.cli.views import extracted_view
from vending_platform.extraction import ChosenDays
from vending_platform.opening import open_platform


def extract(
    sources: Annotated[list[str] | None, typer.Argument(help="Only these sources.")] = None,
    first: FirstDay = None,
    last: LastDay = None,
    propose: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="Write contracts for all tables of this database, as YAML.")
    ] = None,
) -> None:
    """Turn what databases hold into deliveries, which `vending ingest` loads. Again, it delivers only what changed.

    With --from and --to it delivers once more the rows whose watermark lies on these days.
    """
    with errors_shown():
        settings = environment.load()
        if propose is not None:
            if sources or first or last:
                raise typer.BadParameter("--propose goes with nothing else")
            typer.echo(extraction.proposed(settings, propose), nl=False)
            return
        if first and last and first > last:
            raise typer.BadParameter(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
        platform = open_platform(settings)
        extracted = [source.name for source in platform.catalog if source.extract is not None]
        check_known(extracted, "extracted source", sources or [])
        problems: list[str] = []
        with (
            progress_bar("Extracting") as bar,
            emitted(platform, "vending extract", bar, problems=lambda: problems) as observed,
        ):
            done = operations.extract(observed, sources or None, _days(first, last))
            problems += [*done.problems, *map(str, done.failures)]
        out.print(extracted_view(done))
        for failure in done.failures:
            print_failure(str(failure))
        if done.failures:
            raise typer.Exit(FAILED)
        if done.problems or done.undeclared:
            raise typer.Exit(NEEDS_A_PERSON)


def _days(first: datetime | None, last: datetime | None) -> ChosenDays | None:
    if first is None and last is None:
        return None
    return ChosenDays(first.date() if first else date.min, last.date() if last else date(9999, 12, 30))
