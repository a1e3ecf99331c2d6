"""The command that copies deliveries without personal data."""

from pathlib import Path
from typing import Annotated

import typer

from vending_platform import anonymising, environment
from vending_platform.cli.consoles import NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.observers import progress_bar
from vending_platform.cli.options import AllDays, FirstDay, LastDay, Sources, selection_of
from vending_platform.cli.views import anonymised_view
from vending_platform.opening import open_platform


def anonymise(
    into: Annotated[
        str, typer.Option(help="A folder, or s3://bucket/prefix: where the files go. It is never this environment's.")
    ],
    first: FirstDay = None,
    last: LastDay = None,
    all_days: AllDays = False,
    source: Sources = None,
    into_account: Annotated[
        str | None, typer.Option(help="With s3://…: the AWS account that the bucket has to belong to.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Development only: holds the key of pseudonyms."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all of it, but write nothing.")] = False,
) -> None:
    """Copy deliveries without personal data: staging's are made from production's in this way.

    What the contracts mark as personal becomes pseudonyms, every other byte stays. What may still hold personal data is
    left out, and named. Masters come along whatever the days are. Doing it again does no harm.
    """
    with errors_shown():
        platform = open_platform(environment.load())
        selection = selection_of(platform.catalog, first, last, all_days, source)
        raw = platform.context.storage.raw  # first of all: opening it checks the account
        pseudonyms = anonymising.key_of(platform.environment, key_file)
        target = anonymising.open_target(platform.environment, into, into_account)
        with progress_bar("Anonymising") as bar:
            result = anonymising.anonymise(
                platform.catalog,
                raw,
                target,
                pseudonyms,
                selection,
                dry_run=dry_run,
                on_progress=bar.bytes_read,
            )
        out.print(anonymised_view(result, into, dry_run=dry_run))
        if result.left_out:
            raise typer.Exit(NEEDS_A_PERSON)
