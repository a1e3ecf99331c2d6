"""Which jobs fail, from Dagster's history of runs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vending_platform.alerts import Problem, ProblemKind
from vending_platform.orchestration.steps import DAILY, EXPORT, INGEST, TRANSFORM

_GIVEN_UP_AFTER = timedelta(hours=2)
"""The sensor `arrivals` requests what failed again within an hour. What it has not requested since is part of another
request by now, or gone."""


@dataclass(frozen=True)
class Links:
    """Into Dagster's UI, where there is one to link to."""

    ui_url: str | None

    @property
    def runs(self) -> str | None:
        return self.ui_url and f"{self.ui_url}/runs"

    def run(self, run_id: str) -> str | None:
        return self.ui_url and f"{self.ui_url}/runs/{run_id}"

    def asset(self, *key: str) -> str | None:
        return self.ui_url and f"{self.ui_url}/assets/{'/'.join(key)}"


@dataclass(frozen=True)
class Ran:
    """A run that ended. `about` names what it was requested for; None is whatever there was to do."""

    run_id: str
    job: str
    about: str | None
    ended_at: datetime
    succeeded: bool
    will_retry: bool = False


def failing(runs: Iterable[Ran], now: datetime) -> dict[str, list[Ran]]:
    """Per job its failures, in order, but for those that a later run has fixed: for the same, or for everything."""
    runs = sorted(runs, key=lambda run: run.ended_at)
    good = [run for run in runs if run.succeeded]
    found: dict[str, list[Ran]] = {}
    for run in runs:
        if not run.succeeded and not any(_fixes(other, run, now) for other in good):
            found.setdefault(run.job, []).append(run)
    return {job: failures for job, failures in found.items() if not all(run.will_retry for run in failures)}


def run_problem(job: str, failures: Sequence[Ran], reason: str, links: Links) -> Problem:
    """`reason` is what the last of them failed with."""
    last = failures[-1]
    return Problem(
        ProblemKind.RUN,
        job,
        what=f"The job {job} fails",
        where=f"job {job}, run {last.run_id}" + (f" for {last.about}" if last.about else ""),
        what_to_do="Open the run and read its first error. Nothing is half done: once what it failed on is fixed, "
        f"start the job again ({DAILY} does all of it), and it goes on from there.",
        why=reason,
        link=links.run(last.run_id),
        count=len(failures),
        unit="failed run",
        since=failures[0].ended_at,
    )


def _fixes(good: Ran, failed: Ran, now: datetime) -> bool:
    if good.ended_at < failed.ended_at:
        return False
    if good.job == DAILY and failed.job in (INGEST, TRANSFORM, EXPORT):
        return True
    is_for_the_same = good.about in (None, failed.about) or now - failed.ended_at > _GIVEN_UP_AFTER
    return good.job == failed.job and is_for_the_same
