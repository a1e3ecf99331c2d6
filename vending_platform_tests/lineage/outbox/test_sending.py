"""Whatever the backend does, it has every event in the end, in order, and no run has waited for it."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from vending_platform.environment import load
from vending_platform.environment.model import LineageTarget, LineageTransport
from vending_platform.lineage.outbox import Courier, Outbox, Sent, open_transport, send
from vending_platform.lineage.outbox.transports import Files, Http
from vending_platform.storage import LocalPlace
from vending_platform_tests.lineage.outbox.waiting import event, waiting

NOW = datetime(2024, 3, 1, tzinfo=UTC)
PATH = "/api/v1/lineage"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox") as opened:
        for number in range(5):
            opened.write([event(str(number), "START"), event(str(number), "COMPLETE")], "w")
        yield opened


class Backend:
    """What it got and took; `answer` decides by the number of the request and the event."""

    def __init__(self, server: HTTPServer) -> None:
        self.taken: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        self.answer: Callable[[int, dict[str, Any]], int] = lambda number, event: 201
        self.url = server.url_for(PATH)
        server.expect_request(PATH, method="POST").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        got = request.get_json()
        self.requests += 1
        status = self.answer(self.requests, got)
        self.headers.append(dict(request.headers))
        if status == 201:
            self.taken.append((got["run"]["runId"], got["eventType"]))
        return Response("", status)


@pytest.fixture
def backend(httpserver: HTTPServer) -> Backend:
    return Backend(httpserver)


@pytest.fixture
def http(backend: Backend) -> Iterator[Http]:
    transport = Http(backend.url, lambda: "the-key")
    yield transport
    transport.close()


EVERYTHING = [(str(number), state) for number in range(5) for state in ("START", "COMPLETE")]


def test_everything_is_sent_in_order_with_the_key_and_once(outbox: Outbox, backend: Backend, http: Http) -> None:
    assert send(outbox, http) == Sent(10)
    assert send(outbox, http) == Sent(0)
    assert backend.taken == EVERYTHING
    assert {headers["Authorization"] for headers in backend.headers} == {"Bearer the-key"}
    assert waiting(outbox) == []


@pytest.mark.parametrize("status", [500, 503, 429, 401, 302])
def test_a_backend_that_fails_loses_nothing_and_is_left_alone_for_a_while(
    outbox: Outbox, backend: Backend, http: Http, status: int
) -> None:
    backend.answer = lambda number, _: 201 if number <= 3 else status
    sent = send(outbox, http, now=lambda: NOW)
    assert sent.events == 3
    assert sent.problem is not None
    assert str(status) in sent.problem
    assert "the-key" not in sent.problem
    assert send(outbox, http, now=lambda: NOW).events == 0
    assert backend.requests == 4, "before its pause is over it gets nothing"
    backend.answer = lambda *_: 201
    assert send(outbox, http, now=lambda: NOW + timedelta(seconds=10)) == Sent(7)
    assert backend.taken == EVERYTHING


def test_the_pauses_become_longer_and_a_person_need_not_wait(outbox: Outbox, backend: Backend, http: Http) -> None:
    backend.answer = lambda *_: 500
    pauses = []
    for _ in range(8):
        send(outbox, http, patient=False, now=lambda: NOW)
        pauses.append(datetime.fromisoformat(outbox.state().next_at or "") - NOW)
    assert all(later > earlier for earlier, later in pairwise(pauses[:6]))
    assert max(pauses) <= timedelta(minutes=6)
    backend.answer = lambda *_: 201
    assert send(outbox, http, patient=False) == Sent(10)


def test_an_event_that_is_refused_holds_up_no_other(outbox: Outbox, backend: Backend, http: Http) -> None:
    backend.answer = lambda _, got: 422 if (got["run"]["runId"], got["eventType"]) == ("1", "START") else 201
    assert send(outbox, http) == Sent(9, refused=1)
    assert backend.taken == [one for one in EVERYTHING if one != ("1", "START")]
    ((kept, reason),) = outbox.refused()
    assert json.loads(kept.body)["run"]["runId"] == "1"
    assert "422" in reason


def test_nobody_listens_or_answers(outbox: Outbox) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        refusing = Http(f"http://127.0.0.1:{port}{PATH}")
        sent = send(outbox, refusing)
        assert (sent.events, "can't be reached" in (sent.problem or "")) == (0, True)
        silent.listen()
        hanging = Http(f"http://127.0.0.1:{port}{PATH}", timeout=0.05)
        sent = send(outbox, hanging, patient=False)
        assert (sent.events, "can't be reached" in (sent.problem or "")) == (0, True)
    assert len(waiting(outbox)) == 10


def test_only_one_sends_at_a_time(outbox: Outbox, backend: Backend, http: Http) -> None:
    second: list[Sent] = []

    def answer(*_: object) -> int:
        if not second:
            second.append(send(outbox, http))
        return 201

    backend.answer = answer
    assert send(outbox, http) == Sent(10)
    assert second == [Sent(is_busy=True)]
    assert backend.taken == EVERYTHING


def test_files_hold_a_batch_each_and_a_batch_that_is_sent_twice_is_there_once(outbox: Outbox, tmp_path: Path) -> None:
    def read() -> list[tuple[str, str]]:
        files = sorted((tmp_path / "sent").rglob("*.jsonl"))
        found = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return [(one["run"]["runId"], one["eventType"]) for one in found]

    files = Files(lambda: LocalPlace(tmp_path / "sent"), outbox.name)
    files.send(outbox.first(10))  # and the process died before the outbox heard of it
    assert send(outbox, files) == Sent(10)
    assert read() == EVERYTHING
    outbox.write([event("x", "START")], "w")
    assert send(outbox, files) == Sent(1)
    assert read() == [*EVERYTHING, ("x", "START")]


def test_a_folder_that_can_not_be_written_is_a_backend_that_is_down(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("a file")
    sent = send(outbox, Files(lambda: LocalPlace(tmp_path / "sent"), outbox.name))
    assert (sent.events, "can't be written" in (sent.problem or "")) == (0, True)


def test_a_courier_sends_while_a_run_is_under_way_and_what_is_left_at_its_end(
    outbox: Outbox, backend: Backend, http: Http
) -> None:
    courier = Courier(outbox.folder, lambda _: http, lambda events: events)
    outbox.write([event("last", "START")], "w")
    courier.finish()
    courier.join()
    assert backend.taken == [*EVERYTHING, ("last", "START")]


def test_a_courier_that_fails_says_so_and_loses_nothing(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Outbox) -> Http:
        raise RuntimeError("no way")

    courier = Courier(outbox.folder, broken, lambda events: events)
    courier.join()
    assert "their sender failed: RuntimeError: no way" in caplog.text
    assert len(waiting(outbox)) == 10


def test_the_end_of_a_run_does_not_wait_for_a_backend_that_hangs(outbox: Outbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = Http(f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}", timeout=1.5)
        courier = Courier(outbox.folder, lambda _: hanging, lambda events: events)
        courier.finish()
        assert courier.is_sending, "the run has gone on, and no one waits for the backend"
        courier.join()
    assert len(waiting(outbox)) == 10


def test_the_environment_declares_the_transport(tmp_path: Path, backend: Backend, outbox: Outbox) -> None:
    target = LineageTarget(tmp_path, LineageTransport.HTTP, backend.url)
    transport = open_transport(load("vending"), target, "o")
    assert send(outbox, transport) == Sent(10)
    transport.close()
    assert backend.taken == EVERYTHING
    assert "Authorization" not in backend.headers[0]
