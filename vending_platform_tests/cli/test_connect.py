"""`vending connect`: what it shows, and its exit codes."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vending_platform.cli import app
from vending_platform.connections import ServiceConnection, open_connection
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.conftest import processor
from vending_platform_tests.connections.people import connect
from vending_platform_tests.emulators.payments import PaymentProcessor
from vending_platform_tests.service.connecting import environment_with

__all__ = ["processor"]


@pytest.fixture
def connection(processor: PaymentProcessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceConnection:
    environment = environment_with(processor, tmp_path)
    monkeypatch.setattr("vending_platform.environment.load", lambda: environment)
    return open_connection(environment, "payments", LocalPlace(tmp_path / "work"))


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["connect", *words])
    return result.exit_code, " ".join(result.output.split())


def test_what_is_connected_and_what_is_not(connection: ServiceConnection, tmp_path: Path) -> None:
    code, shown = run("--status")
    assert (code, "payments not yet" in shown) == (3, True)
    connect(connection, LocalPlace(tmp_path / "work"), "Operations")
    code, shown = run("--status")
    assert code == 0
    assert "payments yes" in shown
    assert "Operations settlements.read" in shown
    assert run("payments") == (0, f"{shown} To connect it once more: --again")
    connection.disconnect()
    code, shown = run("--status")
    assert (code, "no longer: a person disconnected it" in shown) == (3, True)


def test_where_the_service_runs_it_waits_for_its_page(
    connection: ServiceConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        page = f"http://127.0.0.1:{taken.getsockname()[1]}/connections"
        monkeypatch.setattr("vending_platform.connections.opening._ON_LAPTOP", page.removesuffix("/connections"))

        def someone_connects(_: float) -> None:
            connect(connection, LocalPlace(tmp_path / "work"), "Operations")

        monkeypatch.setattr("vending_platform.cli.connect.time.sleep", someone_connects)
        code, shown = run("payments")
    assert code == 0
    assert f"Ctrl-C stops waiting: {page} service connected" in shown
    assert "Operations" in shown


def test_an_unknown_service_is_named(connection: ServiceConnection) -> None:
    code, shown = run("payment")
    assert (code, "there are: payments" in shown) == (1, True)
    assert run("payments", "--status")[0] == 2
