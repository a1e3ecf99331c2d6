"""The process that serves: where it listens, what it takes for Dagster, slow clients, Lambda, the page, new keys."""

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from vending_platform import environment
from vending_platform.environment import SettingsError
from vending_platform.service.__main__ import refuse_open_house
from vending_platform.service.dagster_beside import OtherDagster, is_answering
from vending_platform.service.server import PatientProtocol
from vending_platform_tests.service.dagster_here import DagsterHere


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_laptop_is_served_to_itself_only() -> None:
    refuse_open_house(environment.load(), "127.0.0.1")
    for host in ("0.0.0.0", "192.168.1.2", "::"):
        with pytest.raises(SettingsError, match="it is served on this machine only"):
            refuse_open_house(environment.load(), host)


def test_what_answers_in_the_place_of_dagster_is_not_taken_for_it(httpserver: Any) -> None:
    url, settings = httpserver.url_for("").rstrip("/"), environment.load()
    httpserver.expect_request("/graphql").respond_with_data("hello")
    with pytest.raises(OtherDagster, match=r"is not Dagster .*set VENDING_UI_URL to another address"):
        is_answering(settings, url)
    httpserver.clear()
    places: Any = {"data": {"allTopLevelResourceDetailsOrError": {"results": []}}}
    httpserver.expect_request("/graphql").respond_with_json(places)
    with pytest.raises(OtherDagster, match="works on nothing of this domain"):
        is_answering(settings, url)
    httpserver.clear()
    value = {"key": "processed", "value": json.dumps("/elsewhere")}
    places["data"]["allTopLevelResourceDetailsOrError"]["results"] = [{"name": "files", "configuredValues": [value]}]
    httpserver.expect_request("/graphql").respond_with_json(places)
    with pytest.raises(OtherDagster, match="works on /elsewhere, and not on"):
        is_answering(settings, url)
    value["value"] = json.dumps(str(Path(settings.places.processed).resolve()))
    httpserver.clear()
    httpserver.expect_request("/graphql").respond_with_json(places)
    assert is_answering(settings, url) is True
    assert is_answering(settings, f"http://127.0.0.1:{free_port()}") is False


def test_a_header_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    import uvicorn

    monkeypatch.setattr("vending_platform.service.server._HEADER_SECONDS", 0.2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"  # without a lifespan
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def slow(port: int, pieces: list[bytes]) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            writer.write(piece)
        with suppress(ConnectionError):
            await writer.drain()
        found = await reader.read()
        writer.close()
        return found

    async def tried() -> list[bytes]:
        port = free_port()
        config = uvicorn.Config(
            app, port=port, http=PatientProtocol, lifespan="off", log_config=None, timeout_keep_alive=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve())
        while not server.started:
            await asyncio.sleep(0.01)
        whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        found = [
            await slow(port, []),
            await slow(port, [b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "]),
            await slow(port, [whole]),
            await slow(port, [whole, b"GET / HT"]),
        ]
        server.should_exit = True
        await serving
        return found

    nothing, half, answered, then_half = asyncio.run(tried())
    assert (nothing, half) == (b"", b"")
    assert answered.endswith(b"ok")
    assert then_half.count(b"200 OK") == 1


def test_in_lambda_the_same_application_answers(
    app: Any, dagster: DagsterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from vending_platform.service import aws_lambda

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made: list[Any] = []

    def make(settings: Any, stream_seconds: float) -> Any:
        made.append(stream_seconds)
        return app

    monkeypatch.setattr(aws_lambda, "pipeline_app", make)
    aws_lambda._adapter.cache_clear()
    try:
        first, second = (aws_lambda.handler(event("GET", "/api/pipeline/status"), None) for _ in range(2))
        ordered = aws_lambda.handler(event("POST", "/api/pipeline/export", "{}"), None)
        run_id = json.loads(ordered["body"])["run_id"]
        app.state.pipeline.stream_seconds = 0.2
        stream = aws_lambda.handler(event("GET", f"/api/pipeline/runs/{run_id}/events"), None)
        loop.run_until_complete(app.state.pipeline.dagster.close())
    finally:
        aws_lambda._adapter.cache_clear()
        asyncio.set_event_loop(None)
        loop.close()
    assert (first["statusCode"], second["statusCode"], ordered["statusCode"]) == (200, 200, 202)
    assert made == [15.0], "it is made once for all invocations"
    assert "event: phase" in stream["body"]
    assert [run.run_id for run in dagster.runs()] == [run_id]


def event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """As an HTTP API of AWS sends it."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "127.0.0.1", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "a"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def test_without_a_dashboard_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    from fastapi import FastAPI

    from vending_platform.service.pipeline.dashboard import add_dashboard
    from vending_platform.service.web import Loopback, WebSettings, new_app

    page: FastAPI = new_app("A page", WebSettings([Loopback()]))
    add_dashboard(page, tmp_path)
    with TestClient(page, "http://127.0.0.1:8000") as client:
        assert "make dashboard" in client.get("/").text
        (tmp_path / "assets").mkdir()
        (tmp_path / "index.html").write_text("<p>built</p>")
        (tmp_path / "assets" / "app-1a2b.js").write_text("1")
        (tmp_path / "assets" / "secret.pem").write_text("nothing for a browser")
        built = client.get("/")
        assert built.text == "<p>built</p>"
        assert "'wasm-unsafe-eval'" in built.headers["content-security-policy"]
        assert built.headers["cache-control"] == "no-cache"
        script = client.get("/assets/app-1a2b.js")
        assert (script.headers["content-type"].split(";")[0], "immutable" in script.headers["cache-control"]) == (
            "text/javascript",
            True,
        )
        for path in ("/assets/secret.pem", "/assets/", "/assets/%2e%2e/index.html", "/nothing"):
            assert client.get(path).status_code == 404


def test_a_new_key_is_shown_once_with_the_record_that_is_kept(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import SecretStr
    from typer.testing import CliRunner

    from vending_platform.cli import app as command
    from vending_platform.service.web.api_keys import KeyRecord, KeyRing, new_session_key, record_of

    for setting, value in aws.variables().items():
        monkeypatch.setenv(setting, value)
    result = CliRunner().invoke(command, ["new-key", "finance", "--may", "read", "--may", "download", "--days", "30"])
    assert result.exit_code == 0, result.output
    key, record_text = result.stdout.splitlines()
    record = KeyRecord.model_validate_json(record_text)
    assert record_of(key, KeyRing(keys=(record,), session_key=SecretStr(new_session_key()))) == record
    assert (record.holder, sorted(record.permissions), record.environment) == (
        "finance",
        ["download", "read"],
        "staging",
    )
    assert "vending/staging/api-keys" in result.stderr
    unknown = CliRunner().invoke(command, ["new-key", "finance", "--may", "everything"])
    assert unknown.exit_code == 2
    for setting in aws.variables():
        monkeypatch.delenv(setting)
    local = CliRunner().invoke(command, ["new-key", "finance"])
    assert (local.exit_code, "has no log-in" in local.stderr) == (1, True)
