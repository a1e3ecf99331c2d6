"""`vending`: the platform's operations for a terminal.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something needs a person; 130 stopped by Ctrl-C.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from vending_platform import environment, exporting, ingestion, sample_data, transformation, wording
from vending_platform.catalog import Catalog, ContractError, ProjectError, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR, DuckDBTarget, Environment, SettingsError
from vending_platform.exporting import ExportError
from vending_platform.ingestion import Rooms, Selection, Summary, Watcher
from vending_platform.storage import open_storage
from vending_platform.transformation import Project, TransformationError
from vending_platform.warehouse import DuckDBWarehouse, WarehouseError

FAILED, WRONG_USAGE, NEEDS_A_PERSON, STOPPED = 1, 2, 3, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From vending-machine deliveries to trusted tables. Every command says what it did and what needs a person.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something needs a person, 130 stopped.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)

FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First business day.")]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business day.")]
AllDays = Annotated[bool, typer.Option("--all", help="Every business day; also what happens without --from and --to.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Only this source. Can be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same for machines.")]


@app.command()
def ingest(
    first: FirstDay = None,
    last: LastDay = None,
    all_days: AllDays = False,
    source: Sources = None,
    withdraw: Annotated[bool, typer.Option(help="Also take out the rows of files that are gone.")] = False,
    verify: Annotated[bool, typer.Option(help="Read and hash every file, even if it looks unchanged.")] = False,
) -> None:
    """Load every delivery that is new or was corrected. Doing it again does no harm."""
    with _edge():
        settings = environment.load()
        catalog = _catalog(settings)
        selection = _selection(catalog, first, last, all_days, source)
        rooms = _rooms(settings, catalog)
        with _progress("Loading") as watcher:
            summary = ingestion.ingest(rooms, selection, withdraw=withdraw, verify=verify, watcher=watcher)
        _report(summary, rooms)


@app.command()
def run(
    first: FirstDay = None,
    last: LastDay = None,
    all_days: Annotated[bool, typer.Option("--all", help="Build every day anew, stale or not.")] = False,
    select: Annotated[list[str] | None, typer.Option(help="Only this model. Can be given several times.")] = None,
) -> None:
    """Load what is new, build the marts of every day that it reaches, and bring the exports up to date.

    With --from and --to these days are built anew, and no others; deliveries of other days wait.
    """
    with _edge():
        settings = environment.load()
        catalog = _catalog(settings)
        selection = _selection(catalog, first, last, all_days, None)
        _known([model.name for model in catalog.models], "model", select or [])
        rooms = _rooms(settings, catalog)
        with _progress("Loading") as watcher:
            summary = ingestion.ingest(rooms, selection, watcher=watcher)
        out.print(wording.tell_summary(summary))
        with err.status("Building the marts") as spinner:
            transformed = transformation.transform(
                catalog,
                rooms.warehouse,
                _project(settings),
                run_id=summary.run_id,
                first_day=selection.first_day,
                last_day=selection.last_day,
                anew=bool(all_days or first or last),
                models=select,
                artifacts=rooms.storage.artifacts,
                on_node=lambda node: spinner.update(f"Building the marts: {node.name}"),
                on_wait=lambda holder: err.print(f"Waiting for {escape(holder)} …"),
            )
        out.print(wording.tell_transformed(transformed))
        exported = exporting.export_all(catalog, rooms.warehouse, rooms.storage.processed, run_id=summary.run_id)
        out.print(wording.tell_exported(exported, settings.places.processed))
        if transformed.failed or any(export.problem for export in exported):
            raise typer.Exit(FAILED)
        _ask_for_a_person(summary, rooms)


@app.command()
def replay(first: FirstDay = None, last: LastDay = None, all_days: AllDays = False, source: Sources = None) -> None:
    """Read again what was quarantined or rejected, or was read under a contract that has changed since."""
    with _edge():
        settings = environment.load()
        catalog = _catalog(settings)
        selection = _selection(catalog, first, last, all_days, source)
        rooms = _rooms(settings, catalog)
        with _progress("Reading again") as watcher:
            summary = ingestion.replay(rooms, selection, watcher=watcher)
        _report(summary, rooms)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Any files.")],
    source: Annotated[str | None, typer.Option(help="The contract to hold them against, whatever their names.")] = None,
) -> None:
    """Say what is wrong with files, at which line and column, without loading them."""
    with _edge():
        catalog = _catalog(environment.load())
        if source is not None:
            _known([contract.name for contract in catalog], "source", [source])
        all_fine = True
        for path in files:
            checked = ingestion.check(catalog, path, source)
            out.print(wording.tell_checked(path.name, checked))
            all_fine = all_fine and checked.is_fine
        if not all_fine:
            raise typer.Exit(NEEDS_A_PERSON)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say what is loaded, and what is missing, broken or unexpected. Answers also while a load is under way."""
    with _edge():
        settings = environment.load()
        rooms = _rooms(settings, _catalog(settings))
        now, is_being_written = ingestion.status(rooms.warehouse, rooms.catalog)
        if as_json:
            typer.echo(ingestion.as_json(now))
        else:
            out.print(wording.tell_status(now, is_being_written=is_being_written))
        if now.needs_a_person:
            raise typer.Exit(NEEDS_A_PERSON)


@app.command()
def generate(
    machines: Annotated[int, typer.Option(min=1, help="Vending machines in the fleet.")] = 8,
    days: Annotated[int, typer.Option(min=1, help="Business days.")] = 14,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    untidy: Annotated[bool, typer.Option(help="Plant every kind of broken, late or odd delivery.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="With --untidy: only this kind. Can be given several times.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder that gets sources/ and truth/; default: the data folder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Write among the files that are already in sources/.")] = False,
) -> None:
    """Make up the deliveries of a fleet, and the truth about them to compare with."""
    with _edge():
        settings = environment.load()
        if not isinstance(settings.warehouse, DuckDBTarget):
            _refuse(f"made-up deliveries are for development, and this is {settings.name}")
        folder = into or Path(settings.places.raw).parent
        if not overwrite and (folder / "sources").is_dir() and any((folder / "sources").iterdir()):
            _refuse(f"{folder / 'sources'} has files already: choose another folder with --into, or add --overwrite")
        columns = (TextColumn("Writing"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,} files"))
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("", total=machines * days)
            try:
                made = sample_data.generate(
                    folder,
                    machines=machines,
                    days=days,
                    seed=seed,
                    untidy=untidy,
                    only=only or (),
                    on_file=lambda done, total: progress.update(task, completed=done, total=total),
                )
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
        out.print(f"[bold]{made.files:,} files, {made.rows:,} rows[/] in {escape(str(folder / 'sources'))}")
        out.print(f"What really happened is in {escape(str(folder / 'truth'))}")


@contextmanager
def _edge() -> Iterator[None]:
    """Where errors stop being values: what the platform reports becomes one message and an exit code."""
    try:
        yield
    except (
        SettingsError,
        ContractError,
        ProjectError,
        WarehouseError,
        TransformationError,
        ExportError,
        OSError,
    ) as error:
        err.print(f"[bold red]Failed:[/] {escape(str(error))}")
        raise typer.Exit(FAILED) from error
    except (KeyboardInterrupt, RuntimeError) as error:
        # DuckDB turns a Ctrl-C during a query into an error of its own.
        if isinstance(error, RuntimeError) and "interrupt" not in str(error).lower():
            raise
        err.print("Stopped. What was already published stays; the same command goes on from there.")
        raise typer.Exit(STOPPED) from None


@contextmanager
def _progress(what: str) -> Iterator[Watcher]:
    """A bar on the error output, where there is a person to see it."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield Watcher(
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            on_wait=lambda holder: err.print(f"Waiting for {escape(holder)} …"),
        )


def _rooms(settings: Environment, catalog: Catalog) -> Rooms:
    if not isinstance(settings.warehouse, DuckDBTarget):
        _refuse(f"{settings.name} can't be reached from here yet: only development is built so far")
    return Rooms(
        catalog=catalog,
        storage=open_storage(settings.places),
        warehouse=DuckDBWarehouse(settings.warehouse.path),
        scratch=settings.scratch / "ingestion",
    )


def _project(settings: Environment) -> Project:
    assert isinstance(settings.warehouse, DuckDBTarget)
    return Project(
        project_dir=DBT_PROJECT_DIR,
        target_dir=(settings.scratch / "dbt").resolve(),
        target=settings.name,
        threads=settings.dbt_threads,
        variables={"DBT_DUCKDB_PATH": str(settings.warehouse.path.resolve())},
    )


def _catalog(settings: Environment) -> Catalog:
    return load_catalog(DBT_PROJECT_DIR, settings.scratch / "manifest")


def _selection(
    catalog: Catalog, first: datetime | None, last: datetime | None, all_days: bool, sources: list[str] | None
) -> Selection:
    if all_days and (first or last):
        raise typer.BadParameter("--all and --from/--to exclude each other")
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
    _known([source.name for source in catalog], "source", sources or [])
    return Selection(
        first_day=first.date() if first else None,
        last_day=last.date() if last else None,
        sources=frozenset(sources) if sources else None,
    )


def _known(names: list[str], kind: str, wanted: list[str]) -> None:
    for name in wanted:
        if name not in names:
            raise typer.BadParameter(f"no {kind} is called {name!r}; there are: {', '.join(names)}")


def _report(summary: Summary, rooms: Rooms) -> None:
    out.print(wording.tell_summary(summary))
    _ask_for_a_person(summary, rooms)


def _ask_for_a_person(summary: Summary, rooms: Rooms) -> None:
    """What an earlier run found, and nobody has mended, needs a person as much as what this one did."""
    now, _ = ingestion.status(rooms.warehouse, rooms.catalog)
    if now.needs_a_person and not summary.needs_a_person:
        out.print("\nStill open from before: vending status")
    if now.needs_a_person or summary.needs_a_person:
        raise typer.Exit(NEEDS_A_PERSON)


def _refuse(why: str) -> NoReturn:
    err.print(f"[bold red]Failed:[/] {escape(why)}.")
    raise typer.Exit(FAILED)
