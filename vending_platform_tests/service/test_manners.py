"""The manners of every application: errors, limits, headers, logs, metrics."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from vending_platform.errors import ConfigurationError, NotAllowed, PlatformError, Unavailable
from vending_platform.service.web import (
    HttpProblem,
    LastKnown,
    Loopback,
    ReadingCaller,
    RequestLimits,
    WebSettings,
    new_app,
    unavailable,
)
from vending_platform.service.web.limits import CallRate, SlowClient
from vending_platform_tests.service.conftest import ADDRESS

CANARY = "correct-horse-battery-staple"
LIMITS = RequestLimits(
    body_bytes=1000, body_seconds=0.2, response_seconds=0.3, send_seconds=0.2, headers=20, per_second=1, burst=1000
)


class Note(BaseModel):
    text: str


class Odd(PlatformError):
    """What no kind of error covers."""


ERRORS = {
    "configuration": (ConfigurationError("no such thing: write another"), 422),
    "not-allowed": (NotAllowed("not before a person decides"), 409),
    "unavailable": (Unavailable(f"it is away: password={CANARY}"), 503),
    "odd": (Odd("it does not work"), 502),
    "disk": (OSError(28, f"No space left on {CANARY}"), 503),
    "fault": (ValueError(f"a bug with {CANARY} in it"), 500),
    "problem": (HttpProblem(HTTPStatus.GONE, "gone", "it is gone for ever"), 410),
}


@pytest.fixture
def app() -> FastAPI:
    app = new_app("A test", WebSettings([Loopback()], limits=LIMITS), readiness=[lambda: None])

    @app.get("/errors/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name][0]

    @app.get("/typed")
    async def typed(number: Annotated[int, Query(le=5)]) -> int:
        return number

    @app.post("/notes")
    async def keep(note: Note, caller: ReadingCaller) -> str:
        return note.text

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(5)

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise ValueError("and no second")

        return StreamingResponse(pieces())

    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, ADDRESS, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_a_problem_and_shows_no_secret(client: TestClient, name: str) -> None:
    answer = client.get(f"/errors/{name}")
    assert answer.status_code == ERRORS[name][1]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/typed", 405), ("GET", "/typed?number=x", 422), ("GET", "/typed", 422)],
)
def test_what_the_framework_refuses_is_a_problem_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "body", [b"{", b'{"text": 1}', b"[]", b"null", b'{"text": "\\ud800"}', b"\xff\xfe", b"", b"[" * 900]
)
def test_a_body_that_is_not_right_is_refused_without_repeating_it(client: TestClient, body: bytes) -> None:
    answer = client.post("/notes", content=body, headers={"Content-Type": "application/json"})
    if b"ud800" in body:
        assert answer.status_code in (200, 422, 500)
        return
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_input_that_is_not_right_is_named_and_never_repeated(client: TestClient) -> None:
    answer = client.post("/notes", json={"text": {"secret": CANARY}})
    assert answer.json()["invalid"] == [{"where": "body.text", "problem": "Input should be a valid string"}]
    assert CANARY not in answer.text


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    answer = client.post("/notes", json={"text": "x" * 2000})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:problem:too-large")


def test_a_body_that_hides_its_length_is_refused_as_soon_as_it_is_too_large(client: TestClient) -> None:
    sent = []

    def pieces() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b"x" * 100

    answer = client.post("/notes", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "٣", "0x10", "9" * 400])
def test_a_length_that_is_no_number_is_refused(app: FastAPI, length: str) -> None:
    status, _ = asgi(app, "POST", "/notes", [(b"content-length", length.encode())])
    assert status in (400, 413)


def test_too_many_headers_are_refused(client: TestClient) -> None:
    answer = client.get("/typed?number=1", headers={f"x-{number}": "1" for number in range(50)})
    assert answer.status_code == 431


def test_a_slow_answer_ends_with_a_problem(client: TestClient) -> None:
    answer = client.get("/slow")
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:problem:too-slow")


def test_a_slow_body_ends_with_a_problem(app: FastAPI) -> None:
    status, headers = asgi(app, "POST", "/notes", [(b"content-type", b"application/json")], never_sends=True)
    assert (status, headers[b"connection"]) == (408, b"close")


def test_a_client_that_takes_nothing_is_left(app: FastAPI) -> None:
    with pytest.raises(SlowClient):
        asgi(app, "GET", "/healthz", [], never_takes=True)


def test_a_half_answer_breaks_off_and_is_not_ended_as_if_it_were_whole(app: FastAPI) -> None:
    with pytest.raises(ValueError, match="and no second"):
        asgi(app, "GET", "/half", [])


def asgi(
    app: FastAPI,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    *,
    never_sends: bool = False,
    never_takes: bool = False,
) -> tuple[int, dict[bytes, bytes]]:
    """A request that no client library would send."""
    started: list[dict[str, Any]] = []
    asked: list[None] = []

    async def receive() -> dict[str, Any]:
        asked.append(None)
        if never_sends or len(asked) > 1:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if never_takes:
            await asyncio.sleep(60)
        if message["type"] == "http.response.start":
            started.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))
    return started[0]["status"], dict(started[0]["headers"])


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/errors/fault", "/typed"])
def test_every_answer_has_strict_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "strict-transport-security" not in headers, "on a laptop there is no HTTPS"


def test_where_it_is_encrypted_browsers_are_told_to_keep_it_so() -> None:
    app = new_app("A test", WebSettings([Loopback()], hosts={"data.example.com"}, is_encrypted=True))
    with TestClient(app, "https://data.example.com") as client:
        assert "max-age=31536000" in client.get("/healthz").headers["strict-transport-security"]


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.evil.com", "", "[::1", "a@127.0.0.1:8000@evil.com"])
def test_another_hosts_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/healthz", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:problem:wrong-host")


def test_two_hosts_are_refused(app: FastAPI) -> None:
    status, _ = asgi(app, "GET", "/healthz", [(b"host", b"evil.example.com")])
    assert status == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_the_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/notes", json={"text": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:foreign-page")
    assert client.get("/typed?number=1", headers=headers).status_code == 200, "reading is protected by the browser"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": ADDRESS}, {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_our_own_page_and_programs_may_change_something(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/notes", json={"text": "x"}, headers=headers).status_code == 200


def test_a_form_of_another_site_is_no_json(client: TestClient) -> None:
    answer = client.post("/notes", content=b'{"text": "x"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422


def test_a_request_id_is_taken_over_if_it_is_one(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abcdef-123"}).headers["x-request-id"] == "abcdef-123"
    for bad in ("a b", "x" * 65, "short", "a\tb12345678"):
        assert client.get("/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad
    first, second = (client.get("/healthz").headers["x-request-id"] for _ in range(2))
    assert first != second


def test_no_header_can_be_smuggled_into_an_answer(app: FastAPI) -> None:
    status, headers = asgi(app, "GET", "/healthz", [(b"x-request-id", b"abcdefgh\r\nset-cookie: a=b")])
    assert status == 200
    assert b"set-cookie" not in headers
    assert b"\r" not in headers[b"x-request-id"]


def test_a_request_is_one_line_of_log_without_what_is_personal(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vending_platform.service.access")
    client.post(
        f"/notes?who={CANARY}",
        json={"text": CANARY},
        headers={"Cookie": f"a={CANARY}", "X-Who": CANARY, "X-Request-ID": "abcdef-123"},
    )
    client.get(f"/{CANARY}")
    (first, second) = [record for record in caplog.records if record.name == "vending_platform.service.access"]
    assert vars(first)["fields"] | {"milliseconds": 0} == {
        "request": "abcdef-123",
        "method": "POST",
        "path": "/notes",
        "status": 200,
        "milliseconds": 0,
        "bytes": len(json.dumps(CANARY)),
        "caller": "this machine",
    }
    assert vars(second)["fields"]["path"] == "(unknown)"
    ours = [record for record in caplog.records if record.name.startswith("vending_platform")]
    assert CANARY not in str([(record.getMessage(), vars(record)) for record in ours])  # the test's own client logs too


def test_metrics_count_requests_by_pattern_and_refusals_by_reason(client: TestClient) -> None:
    client.get("/typed?number=1")
    client.get("/nothing/at/all")
    client.post("/notes", json={"text": "x"}, headers={"Origin": "null"})
    text = client.get("/metrics").text
    assert 'http_request_seconds_count{method="GET",path="/typed",status="200"} 1.0' in text
    assert 'http_request_seconds_count{method="GET",path="(unknown)",status="404"} 1.0' in text
    assert 'http_requests_refused_total{reason="foreign-page"} 1.0' in text
    assert "nothing/at/all" not in text


def test_who_sends_too_many_requests_waits(client: TestClient, app: FastAPI) -> None:
    app.state.doorkeeper._rate = CallRate(1, 2, now=lambda: 0.0)
    statuses = [client.post("/notes", json={"text": "x"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = client.post("/notes", json={"text": "x"})
    assert (answer.headers["retry-after"], answer.json()["type"]) == ("2", "urn:problem:too-many-requests")


def test_tokens_come_back_with_time_and_never_more_than_the_burst() -> None:
    now = [0.0]
    rate = CallRate(2, 3, now=lambda: now[0])
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rate.take("b") == 0, "another caller has a bucket of its own"
    now[0] = 0.5
    assert [rate.take("a") for _ in range(2)] == [0, 0.5]
    now[0] = 100
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_callers_of_long_ago_take_no_memory() -> None:
    rate = CallRate(1, 1, now=lambda: 0.0)
    for number in range(10_100):
        rate.take(str(number))
    assert len(rate._left) == 10_000


def test_a_part_that_is_not_ready_is_named() -> None:
    app = new_app("A test", WebSettings([Loopback()]), readiness=[lambda: None, lambda: "the tide is out"])
    with TestClient(app, ADDRESS) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "the tide is out")
        assert client.get("/healthz").status_code == 200


def test_a_web_socket_is_refused(app: FastAPI) -> None:
    from starlette.websockets import WebSocketDisconnect

    with TestClient(app, ADDRESS) as client, pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass


class Looking:
    """Finds the next number each time, or fails."""

    def __init__(self) -> None:
        self.found, self.fails, self.now = 0, False, 0.0
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self) -> int:
        await self.gate.wait()
        if self.fails:
            raise unavailable("away")
        self.found += 1
        return self.found


def test_what_is_known_last_is_found_once_for_all_who_wait_and_then_given_at_once() -> None:
    async def look() -> None:
        looking = Looking()
        snapshot = LastKnown(looking.find, fresh_seconds=1, usable_seconds=10, now=lambda: looking.now)
        assert snapshot.last is None
        assert await asyncio.gather(*(snapshot.get() for _ in range(5))) == [1] * 5
        looking.now = 5
        looking.gate.clear()
        assert await snapshot.get() == 1, "it is found again beside"
        looking.gate.set()
        await asyncio.sleep(0.01)
        assert await snapshot.get() == snapshot.last == 2
        looking.now = 100
        assert await snapshot.get() == 3, "too old to mislead anyone with"
        snapshot.expire()
        assert await snapshot.get() == 3
        await asyncio.sleep(0.01)
        assert await snapshot.get() == 4

    asyncio.run(look())


def test_what_is_known_last_that_fails_keeps_what_it_has(caplog: pytest.LogCaptureFixture) -> None:
    async def look() -> None:
        looking = Looking()
        snapshot = LastKnown(looking.find, fresh_seconds=1, usable_seconds=10, now=lambda: looking.now)
        looking.fails = True
        with pytest.raises(HttpProblem):
            await snapshot.get()
        looking.fails = False
        assert await snapshot.get() == 1
        looking.fails, looking.now = True, 5
        assert await snapshot.get() == 1
        await asyncio.sleep(0.01)
        assert await snapshot.get() == 1

    asyncio.run(look())
    assert "the one of before stays: away" in caplog.text


def test_what_is_known_last_outlives_whoever_asked_first() -> None:
    async def look() -> None:
        looking = Looking()
        looking.gate.clear()
        snapshot = LastKnown(looking.find, fresh_seconds=1, usable_seconds=10)
        first = asyncio.create_task(snapshot.get())
        await asyncio.sleep(0.01)
        second = asyncio.create_task(snapshot.get())
        await asyncio.sleep(0.01)
        first.cancel()
        looking.gate.set()
        assert await second == 1

    asyncio.run(look())


def test_problems_are_described_in_the_openapi_document(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["components"]["schemas"]["ProblemDetails"]["properties"]["invalid"]
