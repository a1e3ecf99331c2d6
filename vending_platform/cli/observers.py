"""The terminal as an observer of what it has started."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

from vending_platform import operations
from vending_platform.cli.consoles import err, out
from vending_platform.cli.views import exported_view, plan_view, summary_view, transformed_view
from vending_platform.ingestion import Summary
from vending_platform.observers import (
    BytesRead,
    Notice,
    Observer,
    Operation,
    Progress,
    RequestsAnswered,
    Result,
    RowsRead,
    Waiting,
)
from vending_platform.opening import Platform
from vending_platform.transformation import BuildPlan, Finished, Transformed


class ProgressBar(Observer):
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self.bar, self._task = bar, task

    def progress(self, event: Progress) -> None:
        match event:
            case BytesRead(done, total):
                self.bytes_read(done, total)
            case Waiting(holder):
                err.print(f"Waiting for {holder} …")
            case RowsRead(source, rows):
                self.bar.update(self._task, description=f"Extracting {source}: {rows:,} rows")
            case RequestsAnswered(source, done, total):
                self.bar.update(self._task, description=f"Extracting {source}: {done:,} of {total:,} requests")
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
                self._show(plan_view(event))
            case Notice(text) if text not in self._notices:  # each step of a run has it
                self._notices.add(text)
                self._show(text)

    def completed(self, operation: Operation, result: Result) -> None:
        match result:
            case Summary():
                self.summaries.append(result)
                self._show(summary_view(result))
            case Transformed():
                self._show(transformed_view(result))
            case list():
                self._show(exported_view(result, self._exports_place))

    def _show(self, text: RenderableType) -> None:
        self._bar.stop()
        out.print(text)
        self._bar.start()


@contextmanager
def progress_bar(what: str) -> Iterator[ProgressBar]:
    """A bar on the error output, where there is a person to see it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with RichProgress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        yield ProgressBar(bar, bar.add_task(what, total=None))


@contextmanager
def emitted(
    platform: Platform, job: str, *observers: Observer, problems: Callable[[], Sequence[str]] = lambda: ()
) -> Iterator[Platform]:
    """The platform for one run of a command that leaves the warehouse's history of checks alone; `problems` gives at
    its end why it failed."""
    observed = platform.observed_by(*observers, NoticePrinter())
    with operations.emitting_lineage(observed, _run_id(), job, problems=problems) as events:
        yield observed.observed_by(events)


@contextmanager
def recorded(platform: Platform, job: str, bar: ProgressBar) -> Iterator[Platform]:
    """The platform for one run of a command; what the run finds of quality is kept."""
    run_id = _run_id()
    observed = platform.observed_by(bar, NoticePrinter())
    with (
        operations.emitting_lineage(observed, run_id, job) as events,
        operations.recording(observed, run_id, job) as recorder,
    ):
        yield observed.observed_by(events, recorder)


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
