"""A service is connected from a terminal, by a real browser's requests to the process that waits for them."""

import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from vending_platform.connections import ConsentFailed, NotConnected, ServiceConnection
from vending_platform.connections.terminal import PortTaken, connect_here
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.people import agree, connection_at
from vending_platform_tests.emulators.payments import PaymentProcessor

Person = Callable[[str, ServiceConnection], httpx2.Response]


@pytest.fixture
def connection(processor: PaymentProcessor, tmp_path: Path) -> ServiceConnection:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = connection_at(processor.address, tmp_path)
    return replace(made, page=f"http://127.0.0.1:{port}/connections")


def callback(connection: ServiceConnection, **sent: str) -> httpx2.Response:
    return httpx2.get(f"{connection.page}/payments/callback", params=sent, trust_env=False)


def connecting(connection: ServiceConnection, folder: Path, person: Person) -> Future[httpx2.Response]:
    """`connect_here`, with this person at the link."""
    with ThreadPoolExecutor(1) as pool:
        answers: list[Future[httpx2.Response]] = []
        work = LocalPlace(folder / "work")
        connect_here(connection, work, "a person", lambda url: answers.append(pool.submit(person, url, connection)))
    return answers[0]


def test_the_link_the_consent_and_then_it_is_connected(connection: ServiceConnection, tmp_path: Path) -> None:
    answer = connecting(connection, tmp_path, lambda url, at: callback(at, **agree(url))).result()
    assert (answer.status_code, answer.text) == (200, "payments is connected. You can close this page.")
    grant = connection.state()
    assert grant is not None
    assert (grant.connected_by, connection.access_token()) == ("a person", grant.tokens and grant.tokens.access)


def test_a_way_back_that_was_not_begun_here_is_passed_by(connection: ServiceConnection, tmp_path: Path) -> None:
    others: list[int] = []

    def person(url: str, at: ServiceConnection) -> httpx2.Response:
        others.append(callback(at, state="forged", code="forged").status_code)
        others.append(httpx2.get(f"{at.page}/other", trust_env=False).status_code)
        return callback(at, **agree(url))

    assert connecting(connection, tmp_path, person).result().status_code == 200
    assert others == [400, 404]


def test_who_declines_leaves_it_as_it_was(connection: ServiceConnection, tmp_path: Path) -> None:
    with pytest.raises(ConsentFailed, match="a person declined"):
        connecting(connection, tmp_path, lambda url, at: callback(at, **agree(url, "deny")))
    with pytest.raises(NotConnected, match="or by `vending connect payments`"):
        connection.access_token()


def test_no_one_comes_in_time(connection: ServiceConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vending_platform.connections.terminal._ReturnServer.timeout", 0.0)
    times = iter([0.0, 1.0, 601.0])
    with pytest.raises(ConsentFailed, match="no one agreed within 10 minutes"):
        connect_here(connection, LocalPlace(tmp_path / "work"), "a person", lambda _: None, lambda: next(times))


def test_where_the_service_runs_the_page_is_used(connection: ServiceConnection, tmp_path: Path) -> None:
    port = int(connection.page.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken):
        connect_here(connection, LocalPlace(tmp_path / "work"), "a person", lambda _: None)
