"""What a hostile page can send, and what the UI itself sends, through the guard in front of Dagster's web server."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from vending_platform.orchestration.webserver import LOOPBACK, Guard, Scope, without_names

MUTATION = quote("mutation { launchRun { __typename } }")
HERE = "127.0.0.1:3000"


def answer(
    hosts: frozenset[str] = LOOPBACK, *, kind: str = "http", method: str = "POST", query: str = "", **headers: str
) -> list[dict[str, Any]]:
    """All that is sent for one request; the application behind the guard says only that it was reached."""

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "reached"})

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "query_string": query.encode(), "headers": encoded}
    asyncio.run(Guard(app, hosts)(scope, receive, send))
    return sent


def is_answered(*args: Any, **request: Any) -> bool:
    return answer(*args, **request) == [{"type": "reached"}]


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:3000"])
def test_the_ui_reaches_its_server_under_every_name_of_this_machine(host: str) -> None:
    assert is_answered(method="GET", host=host)
    assert is_answered(host=host, origin=f"http://{host}")
    assert is_answered(kind="websocket", host=host, origin=f"http://{host}")
    assert is_answered(method="GET", host=host, query="query=" + quote("{ version }"))


def test_a_program_without_an_origin_is_answered() -> None:
    assert is_answered(host=HERE)


@pytest.mark.parametrize("host", ["evil.example:3000", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "", "["])
def test_a_foreign_name_that_leads_to_this_machine_is_refused(host: str) -> None:
    for method in ("GET", "POST"):
        start, body = answer(method=method, host=host)
        assert start["status"] == 403
        assert b"it is served as 127.0.0.1 or ::1 or localhost" in body["body"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:8080", "http://localhost:3000", "http://[", ""]
)
def test_a_page_of_another_origin_changes_nothing(origin: str) -> None:
    start, body = answer(host=HERE, origin=origin)
    assert start["status"] == 403
    assert b"may not ask this server to do anything" in body["body"]
    (closed,) = answer(kind="websocket", host=HERE, origin=origin)
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "query",
    [
        f"query={MUTATION}",
        f"operationName=A&query={quote('query A { version } mutation B { launchRun { __typename } }')}",
        f"query={quote('{ version }')}&query={MUTATION}",
        f"query={quote('subscription { logs }')}",
        "query=" + quote("# a comment first\n  mutation{launchRun{__typename}}"),
    ],
)
def test_a_mutation_by_a_link_is_refused(method: str, query: str) -> None:
    start, body = answer(method=method, query=query, host=HERE)
    assert start["status"] == 403
    assert body["body"] == b"A mutation is accepted by POST only.\n"


def test_what_is_no_graphql_is_passed_on() -> None:
    assert is_answered(method="GET", query="query=fct_sales&mutation=x", host=HERE)


def test_a_deployed_server_answers_under_the_names_it_is_told() -> None:
    words, names = without_names(["--host", "0.0.0.0", "--served-as", "Dagster.Example.com", "--port", "3000"])
    assert words == ["--host", "0.0.0.0", "--port", "3000"]
    hosts = LOOPBACK | frozenset(names)
    assert is_answered(hosts, host="dagster.example.com", origin="https://dagster.example.com")
    assert not is_answered(hosts, host="dagster.example.com", origin="https://example.com")
    assert not is_answered(hosts, host="view:3000")


def test_the_guard_lets_the_servers_own_start_and_end_through() -> None:
    assert is_answered(kind="lifespan")
