"""The `daily` job in this process: a run like any other in the history, without a server."""

from datetime import UTC, date, datetime
from functools import partial

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from vending_platform import stopping
from vending_platform.garbage import own_garbage_only
from vending_platform.opening import Platform
from vending_platform.orchestration.alert_sensor import alerting, in_short, watch_once
from vending_platform.orchestration.build import assemble
from vending_platform.orchestration.history import ALIVE, alive, cancel, open_history
from vending_platform.orchestration.observers import UNVERIFIED_BECAUSE
from vending_platform.orchestration.steps import BUILD, DAILY, LOAD

SILENT = {"console": {"config": {"log_level": "CRITICAL"}}}
"""The terminal shows results itself; the history keeps every line all the same."""


def run_daily(
    platform: Platform,
    *,
    first_day: date | None,
    last_day: date | None,
    every_day: bool,
    models: list[str],
    skip_code_changes: bool = False,
    unverified_because: str | None = None,
) -> bool:
    """Whether it went well. The platform's observers get the results; what kept a step from its work is an
    error, as it would be without Dagster."""
    days = {
        name: day.isoformat() for name, day in (("first_day", first_day), ("last_day", last_day)) if day is not None
    }
    config = {
        LOAD: {"config": days},
        BUILD: {"config": {**days, "every_day": every_day, "models": models, "skip_code_changes": skip_code_changes}},
    }
    allowed = {UNVERIFIED_BECAUSE: unverified_because} if unverified_because else {}
    home = platform.environment.dagster_home
    with (
        open_history(home) as history,
        alive(home) as mark,
        stopping.before_stopping(partial(cancel, history, home, mark)),
        own_garbage_only(),
    ):
        job = assemble(platform, {}).resolve_job_def(DAILY)
        try:
            run = history.create_run_for_job(
                job,
                run_config={"ops": config, "loggers": SILENT},
                tags={"vending/started_by": "vending run", ALIVE: mark, **allowed},
                remote_job_origin=_origin_of(DAILY, platform.environment.domain),
            )
            execute_run(InMemoryJob(job), run, history, raise_on_error=True)
        except dg.Failure as failure:
            if failure.__cause__ is not None:
                raise failure.__cause__ from None
            return False
        return True


def look_and_alert(platform: Platform) -> str:
    """One look of the sensor `watch`, and what came of it."""
    repository = assemble(platform, {}).get_repository_def()
    with open_history(platform.environment.dagster_home) as history:
        jobs = sorted(repository.job_names)
        return in_short(watch_once(history, jobs, platform, alerting(platform.environment), datetime.now(UTC)))


def _origin_of(job: str, location: str) -> RemoteJobOrigin:
    """By which the UI knows that a run is one of this job in the code location of its servers."""
    return RemoteJobOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), SINGLETON_REPOSITORY_NAME), job
    )
