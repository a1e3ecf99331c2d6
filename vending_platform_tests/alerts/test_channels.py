"""The channels against real servers: a webhook over HTTP, SNS and SQS as moto serves them, a terminal, a log."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from rich.console import Console

from vending_platform.alerts import (
    CLIENT_CONFIG,
    Alerting,
    ChannelDown,
    Event,
    Logged,
    Notification,
    ProblemKind,
    Slack,
    Sns,
    Terminal,
    dead_letters,
    in_the_cloud,
    look,
    on_a_laptop,
)
from vending_platform_tests.alerts.parts import NOON, problem

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

MESSAGE = Notification(
    Event.NEW,
    problem(what="The job daily fails", where="run 7", why="a < b & c", link="https://ui/runs/7", count=3),
    since=NOON - timedelta(hours=2),
    at=NOON,
)


@dataclass
class Hook:
    """A server that answers as it is told, and keeps what it was sent."""

    answer: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def hook() -> Iterator[Hook]:
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            kept.paths.append(self.path)
            self.send_response(kept.answer)
            if kept.answer == 302:
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Into the tests' output it does not belong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        kept.address = f"http://127.0.0.1:{server.server_port}/services/T0/B0/s3cret"
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_slack_is_posted_the_text_with_nothing_in_it_that_slack_would_read_otherwise() -> None:
    with hook() as server:
        Slack("staging", lambda: server.address).send(MESSAGE)
    ((told,), (path,)) = (server.bodies, server.paths)
    assert path == "/services/T0/B0/s3cret"
    assert told.keys() == {"text"}
    assert "Why         a &lt; b &amp; c" in told["text"]
    assert "https://ui/runs/7" in told["text"]


@pytest.mark.parametrize("answer", [302, 404, 429, 500])
def test_an_answer_that_is_no_yes_means_that_slack_is_down(answer: int) -> None:
    with hook() as server:
        server.answer = answer
        with pytest.raises(ChannelDown, match=f"^Slack answers {answer}$"):
            Slack("staging", lambda: server.address).send(MESSAGE)
    assert server.paths == ["/services/T0/B0/s3cret"], "no redirection is followed"


def _fail() -> str:
    raise LookupError("vending/slack: s3cret")


@pytest.mark.parametrize(
    ("webhook", "why"),
    [
        (lambda: "http://slack.example.com/services/s3cret", "not an https address"),
        (lambda: "file:///etc/s3cret", "not an https address"),
        (lambda: "https://[s3cret", "not an https address"),
        (lambda: "http://127.0.0.1:9/serv ices/s3cret", "can't be reached: InvalidURL"),
        (lambda: "http://127.0.0.1:9/services/s3cret\n", "can't be reached: ConnectionRefusedError"),
        (_fail, "can't be read: LookupError"),
    ],
)
def test_what_went_wrong_never_names_the_webhook(webhook: Callable[[], str], why: str) -> None:
    channel = Slack("staging", webhook)
    with pytest.raises(ChannelDown) as caught:
        channel.send(MESSAGE)
    assert why in str(caught.value)
    said = f"{caught.value!r} {caught.value.__cause__!r} {channel!r}"
    assert "s3cret" not in said
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@dataclass
class Cloud:
    endpoint: str

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="ap-northeast-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=CLIENT_CONFIG,
        )


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Cloud(f"http://{host}:{port}")
    finally:
        server.stop()


def test_sns_hands_a_message_on_to_whoever_subscribes(cloud: Cloud) -> None:
    sns: SNSClient = cloud.client("sns")
    sqs: SQSClient = cloud.client("sqs")
    topic = sns.create_topic(Name="hinode-vending-alerts-staging")["TopicArn"]
    queue = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    Sns(topic, "staging", lambda: sns).send(MESSAGE)
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(received["Body"])
    assert told["Subject"] == "[staging] Problem: The job daily fails"
    assert told["Message"].startswith("PROBLEM: The job daily fails\nWhere       staging: run 7\n")
    kinds = {name: attribute["Value"] for name, attribute in told["MessageAttributes"].items()}
    assert kinds == {"environment": "staging", "kind": "run failed", "event": "problem"}


def test_a_topic_that_is_not_there_means_that_sns_is_down(cloud: Cloud) -> None:
    channel = Sns("arn:aws:sns:ap-northeast-1:123456789012:nowhere", "staging", lambda: cloud.client("sns"))
    with pytest.raises(ChannelDown, match="SNS answers NotFound"):
        channel.send(MESSAGE)


def test_an_endpoint_that_is_not_there_means_that_sns_is_down() -> None:
    nobody = Cloud("http://127.0.0.1:9")
    with pytest.raises(ChannelDown, match="SNS can't be reached: EndpointConnectionError"):
        Sns("arn:aws:sns:ap-northeast-1:123456789012:t", "staging", lambda: nobody.client("sns")).send(MESSAGE)


def test_messages_that_a_queue_gave_up_on_are_a_problem_until_they_are_gone(cloud: Cloud) -> None:
    sqs: SQSClient = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="arrivals-dlq")["QueueUrl"]
    finder = dead_letters(lambda: sqs, "arrivals-dlq")
    assert finder.find() == []
    for number in range(2):
        sqs.send_message(QueueUrl=queue, MessageBody=f"no event {number}")
    sqs.receive_message(QueueUrl=queue)  # somebody looks at one of them; it is there all the same
    (poison,) = finder.find()
    assert (poison.kind, poison.about, poison.count) == (ProblemKind.POISON, "arrivals-dlq", 2)
    sqs.purge_queue(QueueUrl=queue)
    assert finder.find() == []
    assert look([dead_letters(lambda: sqs, "no-such-queue")]).keys() == {ProblemKind.WATCH}


def test_who_is_told_where_is_said_before_anything_is_opened() -> None:
    def never() -> Any:
        raise AssertionError("nobody has anything to say yet")

    def told(alerting: Alerting) -> list[str]:
        return [channel.name for channel in alerting.channels]

    assert told(on_a_laptop("development")) == ["terminal"]
    assert told(in_the_cloud("staging", topic_arn="arn:t", open_sns=never)) == ["log", "sns"]
    finder = dead_letters(never, "arrivals-dlq")
    everybody = in_the_cloud("staging", topic_arn="arn:t", open_sns=never, read_webhook=never, finders=[finder])
    assert (told(everybody), everybody.finders) == (["log", "sns", "slack"], [finder])


def test_the_terminal_shows_a_message_whole() -> None:
    shown = io.StringIO()
    Terminal("development", Console(file=shown, width=60)).send(MESSAGE)
    told = shown.getvalue()
    assert "PROBLEM: The job daily fails" in told
    assert "development: run 7" in told
    assert "3 runs" in told


def test_the_log_has_every_message_and_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for event in (Event.NEW, Event.RECOVERED):
        Logged("staging").send(Notification(event, MESSAGE.problem, MESSAGE.since, MESSAGE.at))
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert vars(caplog.records[0])["fields"] == {"kind": "run failed", "about": "daily", "event": "problem"}
    assert "a < b & c" in caplog.text
