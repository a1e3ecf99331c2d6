"""The command of the fleet simulator, which is not part of the installed package."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from vending_platform import environment
from vending_platform.cli.consoles import err, out
from vending_platform.cli.failures import errors_shown, refuse


def generate(
    machines: Annotated[int, typer.Option(min=1, help="Vending machines in the fleet.")] = 8,
    days: Annotated[int, typer.Option(min=1, help="Business days.")] = 14,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    untidy: Annotated[bool, typer.Option(help="Plant every kind of broken, late or odd delivery.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="With --untidy: only this kind. Can be given several times.")
    ] = None,
    incidents: Annotated[
        bool, typer.Option(help="Let cash be stolen, machines be dead for days, and prices be wrong.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(help="Folder that gets sources/ and truth/; default: the data folder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Write among the files that are already in sources/.")] = False,
) -> None:
    """Make up the deliveries of a fleet, and the truth about them to compare with."""
    try:
        import fleet_simulator
    except ModuleNotFoundError:
        refuse("the fleet simulator is not part of the installed package: run this in a checkout, after `make setup`")
    with errors_shown():
        settings = environment.load()
        if not settings.warehouse.is_local:
            refuse(f"made-up deliveries are for development, and this is {settings.name}")
        folder = into or Path(settings.places.raw).parent
        if not overwrite and (folder / "sources").is_dir() and any((folder / "sources").iterdir()):
            refuse(f"{folder / 'sources'} has files already: choose another folder with --into, or add --overwrite")
        columns = (TextColumn("Writing"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,} files"))
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("", total=machines * days)
            try:
                made = fleet_simulator.generate(
                    folder,
                    machines=machines,
                    days=days,
                    seed=seed,
                    untidy=untidy,
                    only=only or (),
                    incidents=incidents,
                    on_file=lambda done, total: progress.update(task, completed=done, total=total),
                )
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
        out.print(Text.assemble((f"{made.files:,} files, {made.rows:,} rows", "bold"), f" in {folder / 'sources'}"))
        out.print(f"What really happened is in {folder / 'truth'}")
