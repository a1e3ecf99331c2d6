"""From what has arrived, and the runs that were requested before, to the runs to request now: the same for every way to
notice files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from vending_platform.arrivals.crash_points import OnStep, PollCrashPoint
from vending_platform.arrivals.debounce import gather
from vending_platform.arrivals.file_lists import FileList, Lists
from vending_platform.arrivals.run_requests import Earlier, Request, decide
from vending_platform.arrivals.s3_events import ArrivedFile
from vending_platform.catalog import Catalog

_LOOKED_BACK = timedelta(hours=24)
"""Runs that were created earlier don't count as under way any more, and are not requested again."""
_CLOCKS_DIFFER = timedelta(minutes=15)
"""By how much our clock may be wrong: AWS refuses requests of clocks that are further off."""


class RunState(StrEnum):
    CREATED = "created"
    """On record, but the sensor that should have started it was interrupted."""
    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class RequestedRun:
    """What the history knows of a run that a sensor requested."""

    listed: str
    run_key: str
    state: RunState
    created_at: datetime
    ended_at: datetime | None = None


History = Callable[[datetime], Sequence[RequestedRun]]
"""The runs that were requested since a moment, the latest first."""


@dataclass(frozen=True)
class RequestedRuns:
    """Those runs, by the list of their files, the latest first; lists that are not kept any more don't count."""

    runs: dict[str, list[RequestedRun]]
    lists: dict[str, FileList]

    def named(self, *states: RunState) -> set[tuple[str, str, str]]:
        """The writings that are the business of a run whose latest attempt is in one of these states."""
        return {key for name, files in self.lists.items() if self.runs[name][0].state in states for key in files.keys}


@dataclass(frozen=True)
class Answer:
    """The runs that one look requests, and lines for its log."""

    requests: tuple[Request, ...] = ()
    unstarted: tuple[tuple[Request, str], ...] = ()
    """To be requested once more, under the run key that they have."""
    waiting: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


def remember(history: History, lists: Lists, oldest: datetime | None, now: datetime) -> RequestedRuns:
    """Every run for whose end something may wait, or that may be requested again; and every run that may have been
    requested because of a notice, of which the oldest was sent at `oldest`."""
    oldest = now if oldest is None else oldest - _CLOCKS_DIFFER
    runs: dict[str, list[RequestedRun]] = {}
    for run in history(min(now - _LOOKED_BACK, oldest)):
        runs.setdefault(run.listed, []).append(run)
    needed = [
        name
        for name, attempts in runs.items()
        if attempts[0].state is not RunState.SUCCEEDED or any(run.created_at >= oldest for run in attempts)
    ]
    read = {name: lists.read(name) for name in needed}
    return RequestedRuns(runs, {name: files for name, files in read.items() if files is not None})


def ask(
    catalog: Catalog, notices: Iterable[ArrivedFile], known: RequestedRuns, lists: Lists, now: datetime, on_step: OnStep
) -> Answer:
    """Runs for the notices that are ripe, runs that failed once more when it is time, and those that never started."""
    under_way, unstarted, failed = [], [], []
    for name, files in known.lists.items():
        runs = known.runs[name]
        match runs[0].state:
            case RunState.CREATED:
                under_way.append(files.request)
                unstarted.append((files.request, runs[0].run_key))
            case RunState.UNDER_WAY if runs[0].created_at > now - _LOOKED_BACK:
                under_way.append(files.request)
            case RunState.FAILED:
                failed.append(files.request)
    gathered, waiting = gather(catalog, notices, under_way, now)
    of_request = {one.request: one.notices for one in gathered}
    earlier = {request: _earlier(request, known, under_way) for request in failed}
    chosen, skipped = decide([*of_request, *failed], earlier, now)
    requests = []
    for request in chosen:
        if request.listed is None:
            request = lists.keep(request, of_request[request])
            on_step(PollCrashPoint.LISTED)
        requests.append(request)
    return Answer(tuple(requests), tuple(unstarted), waiting=(*waiting, *skipped))


def _earlier(request: Request, known: RequestedRuns, under_way: Sequence[Request]) -> Earlier:
    runs = known.runs[str(request.listed)]
    failures = sum(1 for _ in takewhile(lambda run: run.state is RunState.FAILED, runs))
    return Earlier(any(request.overlaps(other) for other in under_way), failures, runs[0].ended_at)
