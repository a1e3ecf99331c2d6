"""Turns what observers hear of operations into OpenLineage events."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from vending_platform.analysis import AnalysisRun, FunctionEnded, FunctionStarted, InputsRead
from vending_platform.extraction import ExtractionSummary
from vending_platform.ingestion import Summary
from vending_platform.lake import Maintained
from vending_platform.lineage.events.builds import BuildEvents
from vending_platform.lineage.events.deliveries import delivery_runs
from vending_platform.lineage.events.exports import export_runs
from vending_platform.lineage.events.extractions import extraction_runs
from vending_platform.lineage.events.facets import facets
from vending_platform.lineage.events.functions import FunctionEvents
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.lake_tables import maintenance_runs
from vending_platform.lineage.events.runs import LineageRun
from vending_platform.lineage.outbox import EventType as State
from vending_platform.lineage.outbox import OutboxWriter
from vending_platform.observers import BytesRead, Observer, OfFunctions, Operation, Progress, Result, RowsRead
from vending_platform.transformation import Finished, NodeStarted, Transformed, WindowDone

EndedRun = tuple[LineageRun, State, str | None]
"""A run, how it ended, and the message if it failed."""
_BETWEEN_SIGNS_OF_LIFE = timedelta(seconds=30)


class LineageObserver(Observer):
    """The events of one run of a job, each operation of which is a run within it. A failure to write an event fails no
    operation: `on_problem` hears of the first."""

    def __init__(
        self,
        root: LineageRun,
        writer: OutboxWriter,
        knowledge: Knowledge,
        on_problem: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._root, self._writer, self._knowledge = root, writer, knowledge
        self._on_problem, self._now = on_problem, now
        self._operation: LineageRun | None = None
        self._begun = self._last_sign = now()
        self._builds: BuildEvents | None = None
        self._functions: FunctionEvents | None = None
        self._is_broken = False

    def begin(self) -> None:
        self._guarded(lambda: self._writer.write([self._root.event(State.START, self._now())], lasting=True))

    def end(self, state: State, problem: str | None) -> None:
        """Of the whole run. What it has left open ends with it."""
        self._guarded(lambda: self._end(state, problem))

    def started(self, operation: Operation) -> None:
        self._guarded(lambda: self._start(operation))

    def progress(self, event: Progress) -> None:
        if not isinstance(event, NodeStarted | Finished | WindowDone | BytesRead | RowsRead | OfFunctions):
            return
        self._guarded(lambda: self._report(event))

    def completed(self, operation: Operation, result: Result) -> None:
        self._guarded(lambda: self._complete(result))

    def failed(self, operation: Operation, error: Exception) -> None:
        self._guarded(lambda: self._fail(error))

    def _start(self, operation: Operation) -> None:
        self._begun = self._last_sign = self._now()
        self._operation = self._root.part(operation.value)
        if operation in (Operation.TRANSFORM, Operation.TEST):
            self._builds = BuildEvents(self._operation, self._knowledge)
        self._writer.write([self._operation.event(State.START, self._begun)], lasting=True)

    def _report(self, event: NodeStarted | Finished | WindowDone | BytesRead | RowsRead | OfFunctions) -> None:
        if (running := self._operation) is None:
            return
        now = self._now()
        match event:
            case NodeStarted() if self._builds is not None:
                self._writer.write(self._builds.started(event, now))
            case Finished() if self._builds is not None:
                self._builds.finished(event, now)
                self._sign_of_life(running, now, event.number, event.total, "nodes")
            case WindowDone() if self._builds is not None:
                self._writer.write(self._builds.ended(event, now), lasting=True)
            case BytesRead(done, total):
                self._sign_of_life(running, now, done, total, "bytes")
            case RowsRead(rows=rows):
                self._sign_of_life(running, now, rows, rows, "rows")
            case InputsRead():
                self._functions = FunctionEvents(running, self._knowledge, event)
            case FunctionStarted(name) if self._functions is not None:
                self._writer.write(self._functions.started(name, now))
            case FunctionEnded() if self._functions is not None:
                self._writer.write(self._functions.ended(event, now))
                self._sign_of_life(running, now, *self._functions.progress, "functions")

    def _sign_of_life(self, run: LineageRun, now: datetime, done: int, total: int, unit: str) -> None:
        if now - self._last_sign >= _BETWEEN_SIGNS_OF_LIFE:
            self._last_sign = now
            progress = facets(platform_progress={"done": done, "total": max(total, done), "unit": unit})
            self._writer.write([run.with_results(run_facets=progress).event(State.RUNNING, now)])

    def _complete(self, result: Result) -> None:
        if (running := self._operation) is None:
            return
        now = self._now()
        parts: list[EndedRun] = []
        events = []
        match result:
            case ExtractionSummary():
                parts = list(extraction_runs(running, self._knowledge, result))
                problem = _problem_of(parts)
            case Summary():
                parts = list(delivery_runs(running, self._knowledge, result))
                problem = _problem_of(parts)
            case Transformed():
                assert self._builds is not None
                for window, results in result.windows:  # of tests by themselves: windows were reported as they ended
                    events += self._builds.ended(WindowDone(window, results, {}), now)
                problem = self._builds.problem
            case list():
                parts = list(export_runs(running, self._knowledge, result))
                problem = _problem_of(parts)
            case AnalysisRun():
                assert self._functions is not None
                events += self._functions.kept(result)
                failure = result.analysed.failure
                problem = self._knowledge.message(failure) if failure is not None else None
            case Maintained():
                done = maintenance_runs(running, self._knowledge, result.tables)
                parts, problem = [(run, State.COMPLETE, None) for run in done], None
        for part, state, why in parts:
            events += [part.event(State.START, self._begun), part.event(state, now, why)]
        state = State.COMPLETE if problem is None else State.FAIL
        self._writer.write([*events, running.event(state, now, problem)], lasting=True)
        self._operation = self._builds = self._functions = None

    def _fail(self, error: Exception) -> None:
        if (running := self._operation) is None:
            return
        now, problem = self._now(), self._knowledge.message(f"{type(error).__name__}: {error}")
        parts = [one for one in (self._builds, self._functions) if one is not None]
        events = [event for part in parts for event in part.aborted(now, problem)]
        self._writer.write([*events, running.event(State.FAIL, now, problem)], lasting=True)
        self._operation = self._builds = self._functions = None

    def _end(self, state: State, problem: str | None) -> None:
        now = self._now()
        message = self._knowledge.message(problem) if problem is not None else None
        left = [start for start in self._writer.open_runs() if start["run"]["runId"] != self._root.id]
        events = [self._knowledge.left_open(start, now) for start in left]
        self._writer.write([*events, self._root.event(state, now, message)], lasting=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever it is: the run has other work, and must not fail of this
            if not self._is_broken:
                self._is_broken = True
                self._on_problem(f"Lineage events of this run are not recorded: {type(error).__name__}: {error}")


def _problem_of(parts: list[EndedRun]) -> str | None:
    failed = {run.job: why for run, state, why in parts if state is not State.COMPLETE}
    return "; ".join(f"{job}: {why}" for job, why in failed.items()) or None


def counts(values: Mapping[str, int | None]) -> dict[str, int]:
    return {name: value for name, value in values.items() if value is not None}
