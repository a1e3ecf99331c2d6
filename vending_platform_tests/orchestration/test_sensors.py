"""The sensors of staging and production, against real clients: what they ask for, and what a person can read."""

import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import dagster as dg
import pytest
from botocore.exceptions import NoCredentialsError

from vending_platform.accounts import WrongAccount
from vending_platform.arrivals import Position, Queue
from vending_platform.environment import ByListing
from vending_platform.ingestion import IngestionContext, unseen
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.sensors import by_folder, by_listing, by_notifications
from vending_platform.storage import Storage, StorageError
from vending_platform.warehouse import WarehouseBusy
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.arrivals.store import BUCKET, NAMES, Store, notifying_store, poison
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, day_of_sales, name
from vending_platform_tests.orchestration.test_resources import in_environment

RUN_KEY = "dagster/run_key"


@dataclass(frozen=True)
class InBucket(Platform):
    """A platform whose deliveries lie elsewhere than the laptop's."""

    storage: Storage = field(kw_only=True)

    @cached_property
    def context(self) -> IngestionContext:
        warehouse = DuckDBWarehouse(self.environment.scratch / "elsewhere.duckdb")
        return IngestionContext(self.catalog, self.storage, warehouse, self.environment.scratch / "ingestion")


@dataclass
class Daemon:
    """A sensor, as Dagster evaluates it, and a clock that can be put forward."""

    sensor: dg.SensorDefinition
    platform: Platform
    history: dg.DagsterInstance
    ahead: timedelta = timedelta()
    cursor: str | None = None

    @cached_property
    def job(self) -> dg.JobDefinition:
        return assemble(self.platform, {}).resolve_job_def("ingest")

    def look(self, **later: float) -> dg.SensorResult:
        self.ahead += timedelta(**later)
        context = dg.build_sensor_context(
            instance=self.history, cursor=self.cursor, resources={"platform": self.platform}
        )
        result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return result

    def requested(self, **later: float) -> list[dg.RunRequest]:
        return list(self.look(**later).run_requests or [])

    def said(self, **later: float) -> str:
        result = self.look(**later)
        assert not result.run_requests
        assert result.skip_reason is not None
        return str(result.skip_reason.skip_message)

    def run(self, request: dg.RunRequest) -> bool:
        tags = {**request.tags, RUN_KEY: str(request.run_key)}
        return self.job.execute_in_process(run_config=request.run_config, tags=tags, instance=self.history).success

    def record(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> str:
        """A run that Dagster knows of although nothing of it was executed."""
        tags = {**request.tags, RUN_KEY: str(request.run_key)}
        run = dg.DagsterRun("ingest", run_id=str(uuid4()), run_config=request.run_config, tags=tags, status=status)
        self.history.add_run(run)
        return run.run_id


@pytest.fixture(scope="module")
def store(aws: EmulatedAws) -> Store:
    """Each test leaves the queue as empty as it was, but for the store's own test message."""
    return notifying_store(aws)


def in_bucket(platform: Platform, store: Store) -> InBucket:
    environment = replace(
        platform.environment,
        places=replace(platform.environment.places, raw=f"s3://{BUCKET}/raw-data"),
        arrivals=NAMES,
    )
    storage = replace(platform.context.storage, raw=store.raw)
    environment.scratch.mkdir(exist_ok=True)
    return InBucket(environment, platform.manifest, storage=storage)


def soon() -> float:
    """A moment that even a busy machine does not miss."""
    return time.monotonic() + 600


def test_files_put_into_a_bucket_are_loaded_and_their_messages_go(platform: Platform, store: Store) -> None:
    """One test, because each part goes on from where the one before left the queue."""
    bucketed = in_bucket(platform, store)
    with dg.DagsterInstance.ephemeral() as history:

        def now() -> datetime:
            return datetime.now(UTC) + daemon.ahead

        sensor = by_notifications(bucketed.environment, lambda _: store.queue, is_running=False, now=now)
        daemon = Daemon(sensor, bucketed, history)

        def next_look(**later: float) -> list[dg.RunRequest]:
            store.show_again()
            return daemon.requested(**later)

        # The store's own test message, a foreign folder and poison stop nothing. What still arrives waits.
        for path, content in FILES.items():
            store.put(f"raw-data/a b+c/売上 %1/{path}", content)
        store.put("processed-data/sales_by_day/manifest.json", b"{}")
        store.sqs.send_message(QueueUrl=store.queue.url, MessageBody=poison(1))
        said = daemon.said()
        assert f"{DAYS[0]}..{DAYS[-1]}: still arriving; loaded after 2 minutes without a file, at " in said
        assert f"{len(FILES) + 3} messages, {len(FILES)} files written; 3 messages need nothing more" in said
        assert "1 passed over: a test of the store; 1 passed over: about another folder than raw-data/" in said
        assert "moved to the dead-letter queue: a record has no eventName" in said
        assert "1 messages in the dead-letter queue wait for a person" in said
        (dead,) = store.sqs.receive_message(
            QueueUrl=store.queue.dead_letters_url, MessageAttributeNames=["All"], VisibilityTimeout=0
        )["Messages"]
        assert dead["Body"] == poison(1)
        assert dead["MessageAttributes"]["reason"]["StringValue"] == "a record has no eventName"
        assert store.waiting() == len(FILES)

        # Ripe; Dagster is killed before it records anything, and asked for exactly the same once more.
        lost = next_look(minutes=3)
        asked = next_look()
        assert [(r.run_key, r.run_config, r.tags) for r in lost] == [(r.run_key, r.run_config, r.tags) for r in asked]
        assert [r.tags["vending/about"].split(",")[0] for r in asked] == [
            "payment_methods",
            f"{DAYS[0]}..{DAYS[5]}",
        ]
        assert sum(int(r.tags["vending/files"]) for r in asked) == len(FILES)
        assert store.waiting() == len(FILES)
        assert all(daemon.run(request) for request in asked)
        assert next_look() == []
        assert store.waiting() == 0
        files = [file for page in store.raw.pages() for file in page]
        assert len(files) == len(FILES)
        assert unseen(bucketed.context, files, now()) == []  # as a listing shows them, they are loaded too

        # A run that was recorded and never started is asked for under its own key; its messages stay so long.
        store.put(f"raw-data/sales/{name(DAYS[0], 'VM002')}", day_of_sales(DAYS[0], 1, machine_id="VM002"))
        (request,) = next_look(minutes=3)
        created = daemon.record(request, dg.DagsterRunStatus.NOT_STARTED)
        (again,) = next_look()
        assert (again.run_key, again.run_config) == (request.run_key, request.run_config)
        assert store.waiting() == 1

        # A run that failed is asked for again under another key, later; its message went when it was on record.
        history.delete_run(created)
        daemon.record(request, dg.DagsterRunStatus.FAILURE)
        store.show_again()
        daemon.ahead = timedelta()  # Dagster's own clock says when it failed
        assert f"{DAYS[0]}..{DAYS[0]}: failed 1 times, again after " in daemon.said()
        assert store.waiting() == 0
        (again,) = next_look(minutes=2)
        assert str(request.run_key).endswith("attempt 1")
        assert again.run_key == str(request.run_key).removesuffix("1") + "2"
        assert daemon.run(again)
        store.show_again()
        assert "0 messages, 0 files written" in daemon.said()

        # What no message told of is loaded by the run without a list, which is the schedule's.
        store.put(f"raw-data/sales/{name(DAYS[1], 'VM002')}", day_of_sales(DAYS[1], 1, machine_id="VM002"))
        store.sqs.purge_queue(QueueUrl=store.queue.url)
        store.show_again()
        assert daemon.requested(minutes=20) == []
        assert daemon.job.execute_in_process(instance=history).success
        files = [file for page in store.raw.pages() for file in page]
        assert unseen(bucketed.context, files, now()) == []
        assert len(files) == len(FILES) + 2


def test_a_queue_gives_every_message_once_a_look_and_forgets_only_what_it_is_told_to(store: Store) -> None:
    store.show_again()
    for message in store.queue.receive(soon()):
        store.queue.delete([message], soon(), lambda _: None)
    for number in range(25):
        store.sqs.send_message(QueueUrl=store.queue.url, MessageBody=poison(number))
    messages = store.queue.receive(soon())
    assert sorted(json.loads(m.body)["Records"][0]["number"] for m in messages) == list(range(25))
    assert all(abs(message.sent_at - datetime.now(UTC)) < timedelta(minutes=1) for message in messages)
    assert store.queue.receive(soon()) == []
    steps: list[str] = []
    assert store.queue.delete(messages[:13], soon(), steps.append) == 13
    assert steps == ["deleted", "deleted"]
    assert store.queue.delete(messages[13:], time.monotonic(), steps.append) == 0
    store.show_again()
    left = store.queue.receive(soon())
    assert {message.id for message in left} == {message.id for message in messages[13:]}
    assert store.queue.delete(left, soon(), steps.append) == 12


def test_a_letter_that_the_dead_letter_queue_refuses_stops_no_other(store: Store) -> None:
    store.sqs.send_message(QueueUrl=store.queue.url, MessageBody=poison(0))
    nowhere = replace(store.queue, dead_letters_url=f"{store.queue.dead_letters_url}-gone")
    message = next(one for one in nowhere.receive(soon()) if one.body == poison(0))
    steps: list[str] = []
    assert not nowhere.bury(message, "it is odd", steps.append)
    assert store.queue.bury(message, "\x00 売上" + "x" * 9_000, steps.append)
    assert steps == ["buried"]
    store.queue.delete([message], soon(), steps.append)


def test_a_store_without_notifications_is_listed_and_the_cursor_goes_on(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Path(platform.environment.places.raw)
    for path, content in FILES.items():
        (sources / path).write_bytes(content)
    with dg.DagsterInstance.ephemeral() as history:
        daemon = Daemon(by_listing(is_running=False, now=lambda: datetime.now(UTC) + daemon.ahead), platform, history)
        assert "still arriving" in daemon.said()
        assert f"a round is complete: {len(FILES)} files, of which {len(FILES)} are not loaded" in daemon.said()
        asked = daemon.requested(minutes=3)
        assert [request.tags["vending/about"].split(",")[0] for request in asked] == [
            "payment_methods",
            f"{DAYS[0]}..{DAYS[5]}",
        ]
        for request in asked:
            daemon.record(request, dg.DagsterRunStatus.STARTED)
        assert daemon.said(minutes=3) == (
            f"a round is complete: {len(FILES)} files, of which {len(FILES)} are not loaded as they are;"
            f" {len(FILES)} files are with a run that is under way, or that is requested again when it is time"
        )
        # That somebody writes is no reason to lose the position.
        daemon.cursor = position = Position("replenishment", 3, 0).as_cursor()
        with monkeypatch.context() as patch:
            patch.setattr(DuckDBWarehouse, "reading", _busy)
            assert daemon.said() == "Another process is writing to the warehouse; looking again next time."
        assert daemon.cursor in (None, position)  # None leaves what Dagster has


def _busy(_: object) -> NoReturn:
    raise WarehouseBusy("somebody writes")


def test_each_environment_has_the_sensor_of_its_way(platform: Platform) -> None:
    def description(definitions: dg.Definitions) -> str:
        (sensor,) = (sensor for sensor in definitions.sensors or () if sensor.name != "watch")
        assert isinstance(sensor, dg.SensorDefinition)
        assert (sensor.name, sensor.minimum_interval_seconds) == ("arrivals", 30)
        return str(sensor.description)

    environment = platform.environment
    listing = replace(environment, arrivals=ByListing())
    told = replace(environment, arrivals=NAMES, places=replace(environment.places, raw="s3://b/raw-data"))
    ways = [description(assemble(replace(platform, environment=e), {})) for e in (environment, listing, told)]
    assert [way.split(" ")[0] for way in ways] == ["Looks", "Lists", "Reads"]


def test_a_run_without_its_list_says_what_to_do(platform: Platform) -> None:
    config = {"ops": {"load_what_is_new": {"config": {"listed": "0" * 32}}}}
    with dg.DagsterInstance.ephemeral() as history:
        job = assemble(platform, {}).resolve_job_def("ingest")
        done = job.execute_in_process(run_config=config, instance=history, raise_on_error=False)
    (failure,) = (event for event in done.all_events if event.is_step_failure)
    assert failure.step_failure_data.error is not None
    assert "a run without one loads whatever is new" in failure.step_failure_data.error.message


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            NoCredentialsError(),
            "the credentials can't be used (Unable to locate credentials): renew them, or give this",
        ),
        (WrongAccount("staging is in the account 1"), "staging is in the account 1"),
        (StorageError("s3://hinode can't be listed"), "s3://hinode can't be listed"),
    ],
)
def test_who_can_not_be_asked_is_one_sentence(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    staging = in_environment("staging", platform, monkeypatch)

    def nobody(_: object) -> Queue:
        raise error

    sensor = by_notifications(staging.environment, nobody, is_running=False, now=lambda: datetime.now(UTC))
    with dg.DagsterInstance.ephemeral() as history:
        context = dg.build_sensor_context(instance=history, resources={"platform": staging}, cursor="where it was")
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    assert told in str(result.skip_reason)
    assert result.cursor == "where it was"


def test_a_laptop_without_its_folder_of_deliveries_is_one_sentence(platform: Platform) -> None:
    Path(platform.environment.places.raw).rmdir()
    with dg.DagsterInstance.ephemeral() as history:
        result = by_folder(is_running=False)(
            dg.build_sensor_context(instance=history, resources={"platform": platform})
        )
    assert isinstance(result, dg.SensorResult)
    assert "is not a folder: that is where deliveries are expected" in str(result.skip_reason)
