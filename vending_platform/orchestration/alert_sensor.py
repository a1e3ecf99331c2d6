"""The sensor that watches, and alerts a person: what is wrong now, in Dagster's history and in the warehouse.

It finds everything again each time, and remembers only the alerts it sent (`alerts`). It never fails itself: a channel
that is down, a warehouse that is busy, a finder that fails are in its skip reason and in its log.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from vending_platform import aws, ingestion, secrets, transformation
from vending_platform.alerts import (
    Alerting,
    AlertState,
    Finder,
    Looked,
    Notified,
    NotNow,
    Number,
    Problem,
    ProblemKind,
    dead_letters,
    in_the_cloud,
    look,
    measured,
    on_a_laptop,
    recall,
    send_notifications,
    without_secrets,
)
from vending_platform.catalog import project_hash
from vending_platform.connections import connection_finder
from vending_platform.environment import ByNotifications, CodeChanges, Environment
from vending_platform.ledger import last_changes, read_packages
from vending_platform.lineage import outbox_finder
from vending_platform.opening import Platform
from vending_platform.orchestration.due import Due, due
from vending_platform.orchestration.function_checks import checks_of_functions, warning_finder
from vending_platform.orchestration.package_notices import Built, package_notices
from vending_platform.orchestration.problems import Seen, problems
from vending_platform.orchestration.run_problems import Links, Ran, failing, run_problem
from vending_platform.orchestration.sensors import ABOUT
from vending_platform.warehouse import WarehouseBusy

_LOOK_EVERY = 60
_LOOK_AGAIN_AFTER = timedelta(hours=1)
"""When the warehouse is queried even if nothing seems to have changed: a warehouse that is queried every minute never
sleeps, and has its price."""
_RUNS_OF_A_JOB = 250
_MATERIALISATIONS = "__ASSET_JOB"
_IN_THE_WAREHOUSE = frozenset(
    {
        *(ProblemKind.MISSING, ProblemKind.INCOMPLETE, ProblemKind.REFUSED),
        *(ProblemKind.QUARANTINE, ProblemKind.REJECTED, ProblemKind.UNDECLARED),
        *(ProblemKind.BLOCKED, ProblemKind.CHECK, ProblemKind.MARTS, ProblemKind.FRESHNESS, ProblemKind.LOADED),
    }
)
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_log = logging.getLogger(__name__)


def alerting(environment: Environment) -> Alerting:
    """Who gets alerts by default: the terminal, or the log where that goes to the cloud."""
    target = environment.aws
    finders = [outbox_finder(environment)]
    if environment.connections:
        finders.append(connection_finder(environment))
    if target is None:
        return replace(on_a_laptop(environment.name), finders=finders)

    def webhook() -> str:
        return secrets.fetch(target, target.secrets.slack).get_secret_value()

    if isinstance(environment.arrivals, ByNotifications):
        finders.append(dead_letters(lambda: aws.client(target, "sqs"), environment.arrivals.dead_letters))
    return in_the_cloud(
        environment.name,
        topic_arn=target.alerts_topic,
        open_sns=lambda: aws.client(target, "sns"),
        read_webhook=webhook if environment.slack_alerts else None,
        finders=finders,
    )


def watch(*, is_running: bool) -> dg.SensorDefinition:
    @dg.sensor(
        name="watch",
        minimum_interval_seconds=_LOOK_EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED,
        description="Looks for what needs a person, and alerts: once, then more and more seldom, and when it is over.",
    )
    def look_and_notify(
        context: dg.SensorEvaluationContext,
        platform: dg.ResourceParam[Platform],
        alerting: dg.ResourceParam[Alerting],
    ) -> dg.SkipReason:
        assert context.repository_def is not None, "a sensor is evaluated in its code location"
        jobs = sorted({*context.repository_def.job_names, _MATERIALISATIONS})  # also those of a team
        try:
            checks = checks_of_functions(context.repository_def)
            result = watch_once(context.instance, jobs, platform, alerting, datetime.now(UTC), checks)
        except Exception as error:  # a sensor that fails sends nothing; one that goes on sends it the next time
            _log.exception("no alert could be sent")
            context.log.error(without_secrets(f"no alert could be sent: {error}"))
            return dg.SkipReason(f"No alert could be sent, because of {type(error).__name__}; see the log.")
        for channel, why in result.down.items():
            context.log.warning(f"{channel} takes no messages, and gets them later: {why}")
        return dg.SkipReason(in_short(result))

    return look_and_notify


def watch_once(
    history: dg.DagsterInstance,
    jobs: Sequence[str],
    platform: Platform,
    alerting: Alerting,
    now: datetime,
    checks: Sequence[dg.AssetCheckKey] = (),
) -> Notified:
    """One look at everything, and what comes of it. `checks` are those of functions' results; without them what is
    known of these stays as it is."""
    environment = platform.environment
    keeper = platform.context.storage.work
    memory = recall(keeper)
    links, expected = Links(environment.ui_url), due(environment, now)
    runs = list(_ended(history, jobs))
    finders = [Finder("runs", frozenset({ProblemKind.RUN}), lambda: list(_run_problems(history, runs, now, links)))]
    if checks:
        finders.append(warning_finder(history, checks, links))
    outside = _outside(platform, expected, runs)
    if _is_worth_a_look(memory, outside, now):
        finders.append(Finder("the warehouse", _IN_THE_WAREHOUSE, lambda: _look_inside(platform, expected, links, now)))
    found = look([*finders, *alerting.finders])
    looked = Looked(now, outside) if found.keys() >= _IN_THE_WAREHOUSE else None
    result = send_notifications(keeper, memory, found, alerting.channels, now, looked=looked)
    waiting = sum(len(messages) for messages in result.memory.untold.values())
    numbers = [
        Number("Watched", 1),
        Number("OpenProblems", len(result.memory.known)),
        Number("UntoldMessages", waiting),
    ]
    measured("watched", environment.name, numbers, at=now)
    return result


def _run_problems(history: dg.DagsterInstance, runs: Iterable[Ran], now: datetime, links: Links) -> Iterator[Problem]:
    for job, failures in failing(runs, now).items():
        shown = "materialisation of assets" if job == _MATERIALISATIONS else job
        yield run_problem(shown, failures, _reason(history, failures[-1].run_id), links)


def _ended(history: dg.DagsterInstance, jobs: Sequence[str]) -> Iterator[Ran]:
    for job in jobs:
        for record in history.get_run_records(dg.RunsFilter(job_name=job, statuses=_ENDED), limit=_RUNS_OF_A_JOB):
            run = record.dagster_run
            at = record.end_time
            yield Ran(
                run.run_id,
                job,
                run.tags.get(ABOUT),
                datetime.fromtimestamp(at, UTC) if at is not None else record.update_timestamp.astimezone(UTC),
                run.is_success,
                will_retry=run.tags.get("dagster/will_retry") == "true",
            )


def _reason(history: dg.DagsterInstance, run_id: str) -> str:
    """What the run failed with, as its first failed step has it, or Dagster."""
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    for entry in history.get_records_for_run(run_id, of_type=kinds, limit=1).records:
        event = entry.event_log_entry.get_dagster_event()
        if event.event_type is not dg.DagsterEventType.STEP_FAILURE:
            return event.message or "without a reason"
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            return failure.user_failure_data.description
        error = failure.error
        while error is not None and error.cause is not None:
            error = error.cause
        return error.message if error is not None else event.message or "without a reason"
    return "it ended without a reason"


def _look_inside(platform: Platform, expected: Due, links: Links, now: datetime) -> list[Problem]:
    catalog = platform.catalog
    waits = platform.environment.code_changes is CodeChanges.WAIT
    try:
        with platform.context.warehouse.reading() as reader:
            seen = Seen(
                status=ingestion.status_of(reader, catalog, expected.delivered),
                stale=transformation.stale(reader, catalog),
                blocked=transformation.blocked(reader, catalog),
                verdicts=transformation.verdicts(reader),
                changed=last_changes(reader, catalog),
                code_changes=transformation.code_changes(reader, catalog) if waits else (),
            )
            packages = list(read_packages(reader).values()) if catalog.packages else []
    except WarehouseBusy as busy:
        raise NotNow from busy
    schemas = {model.name: model.schema_name for model in catalog.models}
    built = Built(seen.stale.keys(), seen.verdicts, platform.environment.places.processed)
    news = package_notices(catalog, packages, built, links, now)
    return [*problems(seen, expected, schemas, links), *news]


def _is_worth_a_look(memory: AlertState, outside: str, now: datetime) -> bool:
    last = memory.looked
    return last is None or last.outside != outside or not timedelta(0) <= now - last.at < _LOOK_AGAIN_AFTER


def _outside(platform: Platform, expected: Due, runs: Iterable[Ran]) -> str:
    """Changes whenever what is in the warehouse, or what is due, may have changed."""
    warehouse = platform.context.warehouse
    signs = [
        warehouse.last_status(),
        warehouse.is_status_outdated(),
        repr(expected),
        max((str(run.ended_at) for run in runs), default=None),
        project_hash(platform.project.project_dir),
    ]
    return hashlib.sha256(json.dumps(signs).encode()).hexdigest()[:16]


def in_short(result: Notified) -> str:
    """What came of a look, as a sentence."""
    parts = [f"{len(result.memory.known)} problems are open" if result.memory.known else "Nothing is wrong"]
    if result.sent:
        parts.append(f"{result.sent} messages sent")
    for channel, why in result.down.items():
        parts.append(f"{channel} takes none, {len(result.memory.untold[channel])} wait for it: {why}")
    return "; ".join(parts) + "."
