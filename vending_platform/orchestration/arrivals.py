"""The sensor on the raw storage: who delivered something that is not loaded yet?

It has no memory of its own. Each time it holds the storage against the ledger, as a load would: what is new there,
not by time, is requested; what is loaded is not; what failed is still new, and requested again, more and more seldom.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from vending_platform import ingestion
from vending_platform.ingestion import Pending
from vending_platform.orchestration.jobs import INGEST, LOAD
from vending_platform.platform import Platform
from vending_platform.warehouse import WarehouseBusy

ABOUT = "vending/about"
"""The tag that says what a run was requested for."""
_LOOK_EVERY = 30
_RUNS_PER_LOOK = 5
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Request:
    """One run: these sources, for these days; masters and other files without a day have none."""

    sources: tuple[str, ...]
    first_day: date | None
    last_day: date | None
    files: int

    @property
    def about(self) -> str:
        return ",".join(self.sources) if self.first_day is None else f"{self.first_day}..{self.last_day}"

    @property
    def config(self) -> dict[str, object]:
        days = {"first_day": self.first_day, "last_day": self.last_day}
        said: dict[str, object] = {name: day.isoformat() for name, day in days.items() if day is not None}
        return said | {"sources": list(self.sources)}


@dataclass(frozen=True)
class Earlier:
    """The runs that were requested for the same before: is one under way, how often did it fail since it went well."""

    is_under_way: bool = False
    failures: int = 0
    last_failed_at: datetime | None = None

    def waits_until(self) -> datetime | None:
        if self.last_failed_at is None:
            return None
        wait: timedelta = _FIRST_WAIT * 2 ** (self.failures - 1)
        return self.last_failed_at + min(wait, _LONGEST_WAIT)


def requests(pending: Pending) -> Iterator[Request]:
    """Files without a day are one run. Of the others, contiguous business days are one run."""
    undated = {source: days[None] for source, days in pending.files.items() if None in days}
    if undated:
        yield Request(tuple(sorted(undated)), None, None, sum(undated.values()))
    files: dict[date, int] = {}
    sources: dict[date, set[str]] = {}
    for source, days in pending.files.items():
        for day, count in days.items():
            if day is not None:
                files[day] = files.get(day, 0) + count
                sources.setdefault(day, set()).add(source)
    span: list[date] = []
    for day in [*sorted(files), date.max]:
        if span and day - span[-1] != timedelta(days=1):
            named = sorted({source for one in span for source in sources[one]})
            yield Request(tuple(named), span[0], span[-1], sum(files[one] for one in span))
            span = []
        span.append(day)


def decide(wanted: Iterable[Request], earlier: Mapping[str, Earlier], now: datetime) -> tuple[list[Request], list[str]]:
    """Which runs to request now, and why not the others."""
    chosen: list[Request] = []
    skipped: list[str] = []
    for request in wanted:
        before = earlier.get(request.about, Earlier())
        until = before.waits_until()
        if before.is_under_way:
            skipped.append(f"{request.about}: a run for it is under way")
        elif until is not None and now < until:
            skipped.append(f"{request.about}: failed {before.failures} times, again after {until:%H:%M:%S} UTC")
        elif len(chosen) == _RUNS_PER_LOOK:
            skipped.append(f"{request.about}: next time, {_RUNS_PER_LOOK} runs are enough for now")
        else:
            chosen.append(request)
    return chosen, skipped


def arrivals(*, is_running: bool) -> dg.SensorDefinition:
    status = dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="arrivals",
        job_name=INGEST,
        minimum_interval_seconds=_LOOK_EVERY,
        default_status=status,
        description="Looks for new and corrected files in the raw storage, and requests a load of their days.",
    )
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        try:
            pending = ingestion.pending(platform.rooms)
        except WarehouseBusy:
            return dg.SensorResult(skip_reason="Somebody is writing to the warehouse; looking again next time.")
        wanted = list(requests(pending))
        if not wanted:
            return dg.SensorResult(skip_reason=f"Nothing new: all {pending.unchanged:,} files are loaded already.")
        earlier = {request.about: _earlier(context.instance, request.about) for request in wanted}
        chosen, skipped = decide(wanted, earlier, datetime.now(UTC))
        for reason in skipped:
            context.log.info(reason)
        if not chosen:
            return dg.SensorResult(skip_reason="; ".join(skipped))
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_config={"ops": {LOAD: {"config": request.config}}},
                    tags={ABOUT: request.about, "vending/files": str(request.files)},
                )
                for request in chosen
            ]
        )

    return look


def _earlier(instance: dg.DagsterInstance, about: str) -> Earlier:
    records = instance.get_run_records(dg.RunsFilter(tags={ABOUT: about}), limit=10)  # the latest first
    if records and not records[0].dagster_run.is_finished:
        return Earlier(is_under_way=True)
    failed = []
    for record in records:
        if record.dagster_run.is_success:
            break
        failed.append(record)
    if not failed:
        return Earlier()
    ended = failed[0].end_time
    at = datetime.fromtimestamp(ended, UTC) if ended is not None else failed[0].update_timestamp.astimezone(UTC)
    return Earlier(failures=len(failed), last_failed_at=at)
