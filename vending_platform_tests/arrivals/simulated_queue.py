"""Everything around a look, in memory: a bucket, its queue, and a Dagster that is reduced to its history of runs.

Time is a number here, and every boundary of a look and of recording its runs can be the end of it.
"""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote_plus

from vending_platform.arrivals import (
    Answer,
    Lists,
    PollCrashPoint,
    Request,
    RequestedRun,
    RunState,
    WatchedBucket,
    look_at_queue,
    read_message,
)
from vending_platform.catalog import Catalog
from vending_platform.storage import Place
from vending_platform_tests.arrivals.sqs import MemorySqs
from vending_platform_tests.storage.memory import MemoryPlace

BUCKET = WatchedBucket("hinode-vending-data-staging", "raw-data/")
BEGUN = datetime(2024, 3, 20, 9, tzinfo=UTC)


class Recording(StrEnum):
    """Where Dagster can be interrupted while it records what a look has asked for."""

    EVALUATED = "evaluated"
    CREATED = "created"
    STARTED = "started"


Boundary = PollCrashPoint | Recording


class Killed(Exception):
    """The process is gone."""


def event(path: str, writing: int = 1, *, bucket: str = BUCKET.name, name: str = "ObjectCreated:Put") -> str:
    told = {
        "eventName": name,
        "eventTime": "2024-03-20T09:00:00.000Z",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": quote_plus(f"raw-data/{path}"), "size": 5, "eTag": "e", "sequencer": f"{writing:016X}"},
        },
    }
    return json.dumps({"Records": [told]})


@dataclass
class SimulatedQueue:
    catalog: Catalog = field(repr=False)
    load: Callable[[frozenset[str]], None]
    """What a run does with the files on its list."""
    now: datetime = BEGUN
    runs: list[RequestedRun] = field(default_factory=list)
    """The latest first."""
    passed: list[Boundary] = field(default_factory=list)
    """The boundaries of the last look."""
    on_boundary: Callable[[Boundary], None] = lambda boundary: None
    place: Place = field(default_factory=MemoryPlace)
    """Where lists are kept."""
    lists: Lists = field(init=False)
    sqs: MemorySqs = field(init=False)

    def __post_init__(self) -> None:
        self.forget_the_process()
        self.sqs = MemorySqs(lambda: self.now, random.Random(7), before_delete=self._refuse_too_early)

    def forget_the_process(self) -> None:
        """What lives in memory only is gone; the work place is not."""
        self.lists = Lists(self.place)

    def tell(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send(body)

    def look(self, kill_at: int = -1) -> Answer:
        """One look of the daemon, which is killed when it comes past its boundary number `kill_at`."""
        self.passed = []

        def on(boundary: Boundary) -> None:
            self.passed.append(boundary)
            self.on_boundary(boundary)
            if len(self.passed) - 1 == kill_at:
                self.forget_the_process()
                raise Killed

        answer = self.look_somewhere(on)
        on(Recording.EVALUATED)
        wanted = [(request, key) for request, key in answer.unstarted]
        wanted += [(request, f"{request.listed} attempt {self._attempts(request) + 1}") for request in answer.requests]
        for request, key in wanted:
            self._record(request, key, on)
        return answer

    def look_somewhere(self, on_step: Callable[[PollCrashPoint], None]) -> Answer:
        return look_at_queue(self.sqs.queue, BUCKET, self.catalog, self.lists, self.history, self.now, on_step)

    def history(self, since: datetime) -> list[RequestedRun]:
        return [run for run in self.runs if run.created_at > since]

    def end_runs(self, *, fails: Callable[[RequestedRun], bool] = lambda run: False) -> int:
        """Every run under way comes to its end: it has loaded its files, or it fails before it does."""
        under_way = [run for run in self.runs if run.state is RunState.UNDER_WAY]
        for run in under_way:
            failed = fails(run)
            if not failed:
                files = self.lists.read(run.listed)
                assert files is not None
                self.load(files.paths)
            state = RunState.FAILED if failed else RunState.SUCCEEDED
            self._replace(run, replace(run, state=state, ended_at=self.now))
        return len(under_way)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def settle(self) -> None:
        """Time passes, nothing more is told and nothing more fails, until nothing is left to do."""
        for _ in range(200):
            self.look()
            self.end_runs()
            if not self.sqs.waiting() and all(run.state is RunState.SUCCEEDED for run in self.latest()):
                return
            self.wait(seconds=60)
        raise AssertionError(f"{len(self.sqs.waiting())} messages are never dealt with, or a run never ends well")

    def latest(self) -> Iterable[RequestedRun]:
        """The latest attempt for every list."""
        return {run.listed: run for run in reversed(self.runs)}.values()

    def requested(self) -> list[frozenset[str]]:
        """The files of every run, in the order in which they were requested."""
        found = [self.lists.read(run.listed) for run in reversed(self.runs)]
        return [files.paths for files in found if files is not None]

    def _attempts(self, request: Request) -> int:
        return sum(run.listed == request.listed for run in self.runs)

    def _record(self, request: Request, key: str, on: Callable[[Boundary], None]) -> None:
        """As Dagster's daemon: a key that was used is passed over, unless its run was never started."""
        known = [run for run in self.runs if run.run_key == key]
        if not known:
            assert request.listed is not None
            self.runs.insert(0, RequestedRun(request.listed, key, RunState.CREATED, self.now))
            on(Recording.CREATED)
            known = self.runs[:1]
        assert known[0].state is RunState.CREATED, "a look asks for a run again under a key that was used"
        self._replace(known[0], replace(known[0], state=RunState.UNDER_WAY))
        on(Recording.STARTED)

    def _replace(self, old: RequestedRun, new: RequestedRun) -> None:
        self.runs[self.runs.index(old)] = new

    def _refuse_too_early(self, body: str) -> None:
        """A message may only go when a run that was started is about each of its files."""
        on_record = {path for run in self.runs if run.state is not RunState.CREATED for path in self._paths(run)}
        told = {notice.path for notice in read_message(body, BUCKET, self.now).notices}
        assert told <= on_record, f"deleted before a run is about it: {told - on_record}"

    def _paths(self, run: RequestedRun) -> frozenset[str]:
        files = self.lists.read(run.listed)
        return files.paths if files is not None else frozenset()
