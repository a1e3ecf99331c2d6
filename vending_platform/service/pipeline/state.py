"""What the pipeline is doing and what there is of data, known at any time without waiting for anyone.

Runs come from Dagster, data from the warehouse; both are looked at beside the requests, and every answer says as of
when it is. While a run writes, the warehouse can't be read: what was known before stays, with its time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from vending_platform.opening import Platform
from vending_platform.service.pipeline.dagster_api import DagsterApi, DagsterUnavailable, RunSeen
from vending_platform.service.pipeline.models import DataState, MissingDelivery, NeedsAPerson, RunPhase
from vending_platform.service.web import LastKnown
from vending_platform.status import PlatformStatus, open_points, read_status

_RUNS_FRESH, _RUNS_USABLE = 1.0, 10.0
_DATA_FRESH, _DATA_USABLE = 15.0, 600.0
_ITEMS, _MISSING = 20, 1000
_UNDER_WAY = (RunPhase.NOT_STARTED, RunPhase.QUEUED, RunPhase.STARTING, RunPhase.RUNNING, RunPhase.CANCELING)
_OVER = (RunPhase.SUCCEEDED, RunPhase.FAILED, RunPhase.CANCELED)
_QUEUED = (RunPhase.NOT_STARTED, RunPhase.QUEUED)
_RUNS_SHOWN = 100


@dataclass(frozen=True)
class RunsState:
    """The runs that are not over, and the one that ended last; as of `as_of`."""

    as_of: datetime
    dagster_is_up: bool
    under_way: tuple[RunSeen, ...] = ()
    last: RunSeen | None = None

    @property
    def queued(self) -> list[RunSeen]:
        return [run for run in self.under_way if run.phase in _QUEUED]

    @property
    def running(self) -> list[RunSeen]:
        return [run for run in self.under_way if run.phase not in _QUEUED]


class PipelineState:
    def __init__(
        self, platform: Platform, dagster: DagsterApi, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._platform, self._dagster, self._now = platform, dagster, now
        self.runs = LastKnown(self._find_runs, fresh_seconds=_RUNS_FRESH, usable_seconds=_RUNS_USABLE)
        self.data = LastKnown(self._find_data, fresh_seconds=_DATA_FRESH, usable_seconds=_DATA_USABLE)

    async def _find_runs(self) -> RunsState:
        before = self.runs.last
        try:
            under_way, over = await asyncio.gather(
                self._dagster.runs(phases=_UNDER_WAY, limit=_RUNS_SHOWN), self._dagster.runs(phases=_OVER, limit=20)
            )
        except DagsterUnavailable:
            return replace(before, dagster_is_up=False) if before else RunsState(self._now(), dagster_is_up=False)
        # Dagster lists by when a run was made.
        last = max(over, key=lambda run: run.ended_at or run.created_at, default=None)
        if before is not None and last is not None and (before.last is None or before.last.id != last.id):
            self.data.expire()  # it may have changed what there is
        return RunsState(self._now(), True, tuple(under_way), last)

    async def _find_data(self) -> DataState:
        status = await asyncio.to_thread(read_status, self._platform)
        return data_state(status, self._now(), self.data.last)


def data_state(status: PlatformStatus, now: datetime, before: DataState | None) -> DataState:
    deliveries = status.deliveries
    stale_days: list[date] = before.stale_days if before is not None else []
    stale_as_of = before.stale_as_of if before is not None else None
    if status.stale is not None:
        stale_days, stale_as_of = sorted(status.stale), now
    return DataState(
        as_of=now,
        is_being_written=status.is_being_written,
        stale_days=stale_days,
        stale_as_of=stale_as_of,
        missing=[
            MissingDelivery(source=row["source"], sender=row["sender"], day=row["business_day"])
            for row in deliveries.missing[:_MISSING]
        ],
        missing_count=len(deliveries.missing),
        needs_a_person=status.needs_a_person,
        open_points=[
            NeedsAPerson(what=point.what, items=point.items[:_ITEMS], count=len(point.items), todo=point.todo)
            for point in open_points(status)
        ],
    )
