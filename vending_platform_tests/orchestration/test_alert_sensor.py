"""The sensor that tells: real runs, a real warehouse, a channel that can be down."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from vending_platform.alerts import Alerting, Event, ProblemKind, recall
from vending_platform.environment import AwsTarget, EnvironmentName, S3Addressing, SecretNames
from vending_platform.ingestion import EVERYTHING, ingest
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.alert_sensor import alerting, watch, watch_once
from vending_platform_tests.alerts.parts import Notebook
from vending_platform_tests.end_to_end.small_platform import products
from vending_platform_tests.ingestion.raw_folder import machines_file, sales_file

JOBS = ["ingest", "daily"]


@dg.op
def fail() -> None:
    raise RuntimeError("the team's own")


@dg.job
def of_a_team() -> None:
    fail()


PLACE = dg.Definitions(jobs=[of_a_team, *(dg.JobDefinition(name=name, graph_def=of_a_team.graph) for name in JOBS)])
PRODUCTS = {"products.csv": products(P1=50)}
LATER = datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture(autouse=True, scope="module")
def _without_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenacity.nap.time.sleep", lambda _: None)
        yield


@dataclass
class Post:
    """Somebody who watches a platform, and whoever is told."""

    platform: Platform
    history: dg.DagsterInstance
    phone: Notebook

    def look(self) -> str:
        """One tick of the sensor, and what it says of itself."""
        resources = {"platform": self.platform, "alerting": Alerting([self.phone])}
        with dg.build_sensor_context(
            instance=self.history, resources=resources, repository_def=PLACE.get_repository_def()
        ) as context:
            said = watch(is_running=False)(context)
        assert isinstance(said, dg.SkipReason)
        return str(said.skip_message)

    def look_at(self, moment: datetime) -> None:
        watch_once(self.history, JOBS, self.platform, Alerting([self.phone]), moment)

    def load(self, *, fails: bool) -> str:
        job = assemble(self.platform, {}).resolve_job_def("ingest")
        wrong = {"ops": {"load_what_is_new": {"config": {"sources": ["password=hunter2"]}}}}
        done = job.execute_in_process(instance=self.history, raise_on_error=False, run_config=wrong if fails else {})
        assert done.success is not fails
        return done.run_id

    def deliver(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            (Path(self.platform.environment.places.raw) / name).write_bytes(content)
        ingest(self.platform.context, EVERYTHING)

    def heard(self) -> list[tuple[Event, ProblemKind, str]]:
        told = [(message.event, message.problem.kind, message.problem.about) for message in self.phone.messages]
        self.phone.messages.clear()
        return told


@pytest.fixture
def post(platform: Platform) -> Iterator[Post]:
    with dg.DagsterInstance.ephemeral() as history:
        yield Post(platform, history, Notebook("phone"))


def test_a_job_of_a_team_is_watched_too(post: Post) -> None:
    assert not of_a_team.execute_in_process(instance=post.history, raise_on_error=False).success
    assert post.look() == "1 problems are open; 1 messages sent."
    (problem,) = (message.problem for message in post.phone.messages)
    assert (problem.kind, problem.about) == (ProblemKind.RUN, "of_a_team")


def test_failures_are_one_message_and_a_success_is_one_more(post: Post) -> None:
    assert post.look() == "Nothing is wrong."
    run = post.load(fails=True)
    assert post.look() == "1 problems are open; 1 messages sent."
    (message,) = post.phone.messages
    assert (message.event, message.problem.identity) == (Event.NEW, (ProblemKind.RUN, "ingest"))
    assert message.problem.link == f"http://127.0.0.1:3000/runs/{run}"
    assert "no source is called" in message.problem.why
    assert "hunter2" not in message.problem.why
    post.load(fails=True)
    last = post.load(fails=True)
    assert post.look() == "1 problems are open."
    (known,) = recall(post.platform.context.storage.work).known
    assert (known.problem.count, known.problem.link) == (3, f"http://127.0.0.1:3000/runs/{last}")
    assert len(post.phone.messages) == 1
    post.load(fails=False)
    assert post.look() == "Nothing is wrong; 1 messages sent."
    post.look()
    assert [event for event, _, _ in post.heard()] == [Event.NEW, Event.RECOVERED]


def test_a_channel_that_is_down_for_two_looks_is_told_at_the_third_and_fails_no_look(post: Post) -> None:
    post.load(fails=True)
    post.phone.is_down = True
    for _ in range(2):
        assert post.look() == "1 problems are open; phone takes none, 1 wait for it: no answer."
    post.phone.is_down = False
    post.look()
    assert post.heard() == [(Event.NEW, ProblemKind.RUN, "ingest")]
    assert post.load(fails=False), "and no run knows of it"


def test_a_watch_that_can_not_even_begin_says_so_and_does_not_fail(post: Post) -> None:
    shutil.rmtree(post.platform.environment.places.raw)
    assert post.look() == "No alert could be sent, because of FileNotFoundError; see the log."


def test_what_is_wrong_with_deliveries_is_told_until_it_is_fixed(post: Post) -> None:
    machines = machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", ""))
    days = {f"sales_VM001_2024030{day}.csv": sales_file(day=f"2024-03-0{day}") for day in (4, 5)}
    post.deliver({"vending_machines.csv": machines, **PRODUCTS, **days, "sales_VM002_20240304.csv": b"broken"})
    post.look()
    assert post.heard() == [
        (Event.NEW, ProblemKind.BLOCKED, "sales"),
        (Event.NEW, ProblemKind.MISSING, "sales"),
        (Event.NEW, ProblemKind.QUARANTINE, "sales"),
    ]
    post.deliver({f"sales_VM002_2024030{day}.csv": sales_file("VM002", f"2024-03-0{day}") for day in (4, 5)})
    with post.platform.context.warehouse.writing("a test", print):
        post.look()
    assert post.heard() == [], "nobody can look while somebody writes, and then nothing is over"
    post.look()
    assert {event for event, _, _ in post.heard()} == {Event.RECOVERED}


def test_the_warehouse_is_asked_only_when_something_may_have_changed(post: Post) -> None:
    def looked() -> datetime | None:
        last = recall(post.platform.context.storage.work).looked
        return last.at if last is not None else None

    post.look_at(LATER)
    post.look_at(LATER + timedelta(minutes=1))
    assert looked() == LATER
    post.deliver({"sales_VM001_20240304.csv": sales_file(day="2024-03-04")})
    post.look_at(LATER + timedelta(minutes=2))
    assert looked() == LATER + timedelta(minutes=2)
    post.load(fails=False)
    post.look_at(LATER + timedelta(minutes=3))
    assert looked() == LATER + timedelta(minutes=3)
    post.look_at(LATER + timedelta(minutes=62))
    assert looked() == LATER + timedelta(minutes=3)
    post.look_at(LATER + timedelta(minutes=63))
    assert looked() == LATER + timedelta(minutes=63)


def test_marts_and_deliveries_are_told_at_their_hour(post: Post) -> None:
    hours = {"ingestion_starts": "02:00", "transformation_starts": "04:00", "marts_due": "06:00"}
    post.platform = replace(post.platform, environment=replace(post.platform.environment, **hours))  # type: ignore[arg-type]
    post.deliver(
        {
            **PRODUCTS,
            "vending_machines.csv": machines_file(("VM001", "2024-01-01", "")),
            "sales_VM001_20240304.csv": sales_file(day="2024-03-04"),
        }
    )

    def told_at(hour: str) -> list[tuple[Event, ProblemKind, str]]:
        post.phone.messages.clear()
        post.look_at(datetime.fromisoformat(f"2024-03-06T{hour}:00+00:00"))
        return [(message.event, message.problem.kind, message.problem.where) for message in post.phone.messages]

    assert told_at("01:59") == [(Event.NEW, ProblemKind.MARTS, "business day 2024-03-04")]
    assert told_at("02:00") == [(Event.NEW, ProblemKind.MISSING, "2024-03-05 machine VM001")]
    assert (Event.STILL, ProblemKind.MARTS, "business day 2024-03-05") in told_at("06:00")


TARGET = AwsTarget(
    account="012345678901",
    region="ap-northeast-1",
    s3_endpoint=None,
    s3_addressing=S3Addressing.VIRTUAL,
    endpoint=None,
    secrets=SecretNames("vending/staging/snowflake", "vending/staging/slack"),
    alerts_topic="arn:aws:sns:ap-northeast-1:012345678901:vending-alerts",
)


def test_everywhere_the_watch_is_there_and_runs_where_nobody_starts_it_by_hand(platform: Platform) -> None:
    for name, status, channels, slack in (
        (EnvironmentName.DEVELOPMENT, dg.DefaultSensorStatus.STOPPED, ["terminal"], False),
        (EnvironmentName.STAGING, dg.DefaultSensorStatus.RUNNING, ["log", "sns"], False),
        (EnvironmentName.PRODUCTION, dg.DefaultSensorStatus.RUNNING, ["log", "sns", "slack"], True),
    ):
        target = None if name is EnvironmentName.DEVELOPMENT else TARGET
        environment = replace(platform.environment, name=name, aws=target, slack_alerts=slack)
        definitions = assemble(replace(platform, environment=environment), {})
        assert definitions.get_repository_def().get_sensor_def("watch").default_status is status
        assert [one.name for one in alerting(environment).channels] == channels
