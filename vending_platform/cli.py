"""`vending`: the platform's operations for a terminal.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something needs a person; 130 stopped by Ctrl-C,
143 by SIGTERM (`stopping`).
"""

import json
import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from vending_platform import anonymising, environment, ingestion, operations, wording
from vending_platform.catalog import Catalog
from vending_platform.console import PlainConsole
from vending_platform.errors import EXPECTED
from vending_platform.ingestion import Selection, Summary
from vending_platform.lineage import provenance
from vending_platform.observers import BytesRead, Notice, Observer, Operation, Progress, Result, Waiting
from vending_platform.opening import Platform, open_platform
from vending_platform.quality import report
from vending_platform.status import needs_a_person, read_quality, read_status
from vending_platform.stopping import STOPPED
from vending_platform.transformation import BuildPlan, Finished, Transformed
from vending_platform.warehouse import WarehouseBusy

FAILED, WRONG_USAGE, NEEDS_A_PERSON, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From deliveries to trusted tables. Every command says what it did and what needs a person.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something needs a person, 130 or 143 stopped.",
)
out = PlainConsole(soft_wrap=True)
err = PlainConsole(soft_wrap=True, stderr=True)

FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First business day.")]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business day.")]
AllDays = Annotated[bool, typer.Option("--all", help="Every business day; also what happens without --from and --to.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Only this source. Can be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same for machines.")]


class ProgressBar(Observer):
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self.bar, self._task = bar, task

    def progress(self, event: Progress) -> None:
        match event:
            case BytesRead(done, total):
                self.bytes_read(done, total)
            case Waiting(holder):
                err.print(f"Waiting for {holder} …")
            case Finished(name=name):
                self.bar.update(self._task, description=f"Building the marts: {name}")

    def bytes_read(self, done: int, total: int) -> None:
        self.bar.update(self._task, completed=done, total=total)


class NoticePrinter(Observer):
    def progress(self, event: Progress) -> None:
        if isinstance(event, Notice):
            err.print(event.text)


class ResultPrinter(Observer):
    """Shows what will be built, and every result as soon as it is there, above the progress bar."""

    def __init__(self, bar: ProgressBar, exports_place: str) -> None:
        self._bar, self._exports_place = bar.bar, exports_place
        self._notices: set[str] = set()
        self.summaries: list[Summary] = []

    def progress(self, event: Progress) -> None:
        match event:
            case BuildPlan(todo=todo) if todo:
                self._show(wording.tell_plan(event))
            case Notice(text) if text not in self._notices:  # each step of a run has it
                self._notices.add(text)
                self._show(text)

    def completed(self, operation: Operation, result: Result) -> None:
        match result:
            case Summary():
                self.summaries.append(result)
                self._show(wording.tell_summary(result))
            case Transformed():
                self._show(wording.tell_transformed(result))
            case list():
                self._show(wording.tell_exported(result, self._exports_place))

    def _show(self, text: RenderableType) -> None:
        self._bar.stop()
        out.print(text)
        self._bar.start()


@app.callback()
def choose(
    domain: Annotated[
        str | None,
        typer.Option(help="Which domain: a name, or the folder of a dbt project. Default: VENDING_DOMAIN, or vending."),
    ] = None,
) -> None:
    if domain is not None:
        with _edge():
            environment.choose_domain(domain)


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
        platform = open_platform(environment.load())
        selection = _selection(platform.catalog, first, last, all_days, source)
        with _progress("Loading") as bar, _recorded(platform, "vending ingest", bar) as observed:
            summary = operations.ingest(observed, selection, withdraw=withdraw, verify=verify)
        _report(summary, platform)


@app.command()
def run(
    first: FirstDay = None,
    last: LastDay = None,
    all_days: Annotated[bool, typer.Option("--all", help="Build every day anew, stale or not.")] = False,
    select: Annotated[list[str] | None, typer.Option(help="Only this model. Can be given several times.")] = None,
    skip_code_changes: Annotated[
        bool, typer.Option("--skip-code-changes", help="Leave what older code has built as it is, for now.")
    ] = False,
    unverified: Annotated[
        str | None, typer.Option(help="Why production may use a version that staging has not verified. It is kept.")
    ] = None,
) -> None:
    """Load what is new, build the marts of every day that it reaches, and bring the exports up to date.

    It says before it starts what it will build and why. What older code has built is built again, unless
    --skip-code-changes postpones that. With --from and --to these days are built anew, and no others; deliveries of
    other days wait.
    """
    with _edge():
        platform = open_platform(environment.load())
        selection = _selection(platform.catalog, first, last, all_days, None)
        _known([model.name for model in platform.catalog.models], "model", select or [])
        from vending_platform.orchestration import run_daily  # a second of imports, and few commands need them

        with _progress("Loading") as bar:
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
        _ask_for_a_person(results.summaries[0], platform)


@app.command()
def replay(first: FirstDay = None, last: LastDay = None, all_days: AllDays = False, source: Sources = None) -> None:
    """Read again what was quarantined or rejected, or was read under a contract that has changed since."""
    with _edge():
        platform = open_platform(environment.load())
        selection = _selection(platform.catalog, first, last, all_days, source)
        with _progress("Reading again") as bar, _recorded(platform, "vending replay", bar) as observed:
            summary = operations.replay(observed, selection)
        _report(summary, platform)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Any files.")],
    source: Annotated[str | None, typer.Option(help="The contract to hold them against, whatever their names.")] = None,
) -> None:
    """Say what is wrong with files, at which line and column, without loading them."""
    with _edge():
        catalog = open_platform(environment.load()).catalog
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
def status(
    verify: Annotated[bool, typer.Option("--verify", help="Read and hash every exported file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is loaded, and what is missing, broken or unexpected. Answers also while a load is under way."""
    with _edge():
        platform = open_platform(environment.load())
        now = read_status(platform, verify=verify)
        if as_json:
            typer.echo(now.as_json())
        else:
            out.print(wording.tell_status(now))
        if now.needs_a_person:
            raise typer.Exit(NEEDS_A_PERSON)


@app.command()
def quality(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it stands for this business day.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this table or export, with its schema or without.")] = None,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write it as one HTML file, which opens from anywhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far the data can be trusted: scores, trends, and what does not pass. Answers also while a run writes."""
    with _edge():
        platform = open_platform(environment.load())
        asked = day.date() if day else None
        found, is_being_written = read_quality(platform, asked)
        if found is not None and dataset is not None:
            known = {score.dataset for score in found.scores}
            _known(sorted(known | {name.split(".")[-1] for name in known}), "dataset", [dataset])
        found = found.chosen(asked, dataset) if found is not None else None
        if html is not None and found is not None:
            html.write_text(report(found), encoding="utf-8")
            err.print(f"Written: {html}")
        if as_json:
            typer.echo(found.as_json() if found is not None else "null")
        elif html is None or found is None:
            out.print(wording.tell_quality(found, is_being_written=is_being_written))
        if found is not None and any(score.failed for score in found.latest):
            raise typer.Exit(NEEDS_A_PERSON)


@app.command()
def trace(
    mart: Annotated[str, typer.Argument(help="A model, with its schema or without.")],
    which: Annotated[
        list[str],
        typer.Argument(
            help="Which rows of it: column=value. Short: day=, what a sender is called, a key without its last part."
        ),
    ],
    rows: Annotated[bool, typer.Option("--rows", help="Also the lines of these files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the raw files that a number comes from.

    For example: vending trace marts.MODEL COLUMN=VALUE day=2024-03-15
    """
    with _edge():
        said = [_said(words) for words in which]
        platform = open_platform(environment.load())
        try:
            with platform.context.warehouse.reading() as reader:
                traced = provenance.trace(platform.catalog, reader, mart, said, with_lines=rows)
        except provenance.WrongQuestion as error:
            raise typer.BadParameter(str(error)) from None
        except WarehouseBusy:
            _refuse("a load or a build is under way, and nobody else can look into the warehouse meanwhile: ask again")
        if as_json:
            typer.echo(traced.as_json())
        else:
            out.print(wording.tell_trace(traced))


def _said(words: str) -> tuple[str, str]:
    name, sign, value = words.partition("=")
    if not (name and sign):
        raise typer.BadParameter(f"{words!r} says nothing of a row; write column=value, such as day=2024-03-15")
    return name, value


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look whether all is there that this environment needs, and say how to fix what is not. Changes none of it."""
    with _edge():
        from vending_platform.doctor import Health, checks_of, examine  # half a second, and no other command needs it

        findings = []
        for finding in examine(checks_of(environment.load)):
            findings.append(finding)
            if not as_json:
                out.print(wording.tell_finding(finding))
        if as_json:
            typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
        if any(finding.health is not Health.FINE for finding in findings):
            raise typer.Exit(NEEDS_A_PERSON)


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the UI listens, on this machine.")] = 3000,
) -> None:
    """Look at it all in Dagster's UI, until Ctrl-C."""
    with _edge():
        settings = environment.load()
        if not settings.warehouse.is_local:
            _refuse(f"this is the UI of a laptop, and the settings name {settings.name}")
        from vending_platform.orchestration import serve  # a second of imports, and few commands need them

        out.print(f"Dagster's UI will be at http://127.0.0.1:{port} in a moment. Ctrl-C ends it; the history stays.")
        serve(settings, port)


@app.command()
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
        _refuse("the fleet simulator is not part of the installed package: run this in a checkout, after `make setup`")
    with _edge():
        settings = environment.load()
        if not settings.warehouse.is_local:
            _refuse(f"made-up deliveries are for development, and this is {settings.name}")
        folder = into or Path(settings.places.raw).parent
        if not overwrite and (folder / "sources").is_dir() and any((folder / "sources").iterdir()):
            _refuse(f"{folder / 'sources'} has files already: choose another folder with --into, or add --overwrite")
        columns = (TextColumn("Writing"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,} files"))
        with RichProgress(*columns, console=err, transient=True) as progress:
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


@app.command()
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
    """Copy deliveries without the people in them: staging's are made so from production's.

    What the contracts mark as personal becomes pseudonyms, every other byte stays. What can't be told to hold nobody is
    left out, and named. Masters come along whatever the days are. Doing it again does no harm.
    """
    with _edge():
        platform = open_platform(environment.load())
        selection = _selection(platform.catalog, first, last, all_days, source)
        raw = platform.context.storage.raw  # first of all: it looks whether this is the right account
        pseudonyms = anonymising.key_of(platform.environment, key_file)
        target = anonymising.open_target(platform.environment, into, into_account)
        with _progress("Anonymising") as bar:
            result = anonymising.anonymise(
                platform.catalog,
                raw,
                target,
                pseudonyms,
                selection,
                dry_run=dry_run,
                on_progress=bar.bytes_read,
            )
        out.print(wording.tell_anonymised(result, into, dry_run=dry_run))
        if result.left_out:
            raise typer.Exit(NEEDS_A_PERSON)


@contextmanager
def _edge() -> Iterator[None]:
    """Where errors stop being values: what the platform reports becomes one message and an exit code."""
    try:
        yield
    except EXPECTED as error:
        _print_failure(str(error))
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:  # of a program that calls these commands without watching for signals
        err.print(STOPPED)
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        from vending_platform.alerts import without_secrets  # and the clients of all channels

        what = without_secrets(f"{type(error).__name__}: {error}")
        _print_failure(
            f"{what}. This is a fault of the platform; {_keep_traceback(without_secrets(traceback.format_exc()))}"
        )
        raise typer.Exit(FAILED) from error


def _print_failure(words: str) -> None:
    err.print(Text.assemble(("Failed: ", "bold red"), words))


def _keep_traceback(text: str) -> str:
    """For the person who fixes it, in a file, because a person at a terminal can do nothing with it."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="vending-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"where it happened can't be written down: {error}"
    return f"where it happened is in {file.name}"


@contextmanager
def _recorded(platform: Platform, job: str, bar: ProgressBar) -> Iterator[Platform]:
    """The platform for one run of a command; what the run finds of quality is kept."""
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    observed = platform.observed_by(bar, NoticePrinter())
    with operations.recording(observed, run_id, job) as recorder:
        yield observed.observed_by(recorder)


@contextmanager
def _progress(what: str) -> Iterator[ProgressBar]:
    """A bar on the error output, where there is a person to see it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with RichProgress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        yield ProgressBar(bar, bar.add_task(what, total=None))


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


def _report(summary: Summary, platform: Platform) -> None:
    out.print(wording.tell_summary(summary))
    _ask_for_a_person(summary, platform)


def _ask_for_a_person(summary: Summary, platform: Platform) -> None:
    """What an earlier run found, and nobody has fixed, needs a person as much as what this one did."""
    something_is_open = needs_a_person(platform)
    if something_is_open and not summary.needs_a_person:
        out.print("\nStill open from before: vending status")
    if something_is_open or summary.needs_a_person:
        raise typer.Exit(NEEDS_A_PERSON)


def _refuse(why: str) -> NoReturn:
    _print_failure(f"{why}.")
    raise typer.Exit(FAILED)
