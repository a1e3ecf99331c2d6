"""No code and no token is in a log, an error, a traceback, or a file but the store, whatever happens to it."""

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from vending_platform.alerts import Finder, Problem, ProblemKind
from vending_platform.connections import ConsentFailed, ServiceConnection, begin, connection_finder, finish
from vending_platform.connections.auth import ConnectionAuth
from vending_platform.connections.store import SecretStore
from vending_platform.environment import load
from vending_platform.errors import PlatformError
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.crashing import SECRET
from vending_platform_tests.connections.people import REDIRECT, agree, connect, connection_at
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.payments import DROPPED, Asked, PaymentProcessor, Reply


def of_tokens_alone(fault: Reply, asked: Asked) -> Reply | None:
    return fault if asked.path == "/oauth/token" else None


def everything_happens(connection: ServiceConnection, processor: PaymentProcessor, folder: Path) -> list[str]:
    """A life of a connection, with all that can go wrong in it; what is seen of each error."""
    shown = []
    work = LocalPlace(folder / "work")

    def fails(action: Callable[[], object]) -> None:
        with pytest.raises(PlatformError) as caught:
            action()
        shown.append(f"{caught.value}")
        shown.extend(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    begun = begin(connection, work, REDIRECT, "us")
    back = agree(begun.url)
    with pytest.raises(ConsentFailed):
        finish(connection, work, state=back["state"], browser="another", code=SecretStr(back["code"]), refusal=None)
    connect(connection, work)
    with httpx2.Client(auth=ConnectionAuth(connection), trust_env=False) as client:
        assert client.get(f"{processor.address}/v1/settlements").status_code == 200
    for fault in (DROPPED, Reply(500), Reply(200, b"not json"), Reply(401, b'{"error": "invalid_client"}')):
        processor.grace = 30
        processor.fault = partial(of_tokens_alone, fault)
        token = connection.access_token()
        fails(partial(connection.access_token, rejected=token))
    processor.fault = lambda _: None
    shown.append(repr((connection, connection.access_token(rejected=connection.access_token()), connection.state())))
    processor.revoke_everything()
    fails(lambda: connection.access_token(rejected=connection.access_token()))
    return shown


LOGGERS = (None, "botocore", "httpx2", "httpcore2", "urllib3")


@pytest.mark.parametrize("place", ["laptop", "cloud"])
def test_tokens_are_in_the_store_and_nowhere_else(
    processor: PaymentProcessor, tmp_path: Path, aws: EmulatedAws, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    for logger in LOGGERS:
        caplog.set_level(logging.DEBUG, logger)
    connection = connection_at(processor.address, tmp_path / "connections")
    if place == "cloud":
        aws.reset()
        target = aws.environment().aws
        assert target is not None
        aws.client("secretsmanager").create_secret(Name=SECRET)
        connection.store = SecretStore(target, SECRET)
    shown = everything_happens(connection, processor, tmp_path)
    assert len(processor.issued) > 8
    assert all(logging.getLogger(logger).isEnabledFor(logging.DEBUG) for logger in LOGGERS), "not all was logged"
    assert caplog.records or place == "laptop", "AWS's client says what it does, and there is none on a laptop"
    texts = {"the log": caplog.text, "an error": "\n".join(shown)}
    texts |= {str(path): path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    found = [where for where, text in texts.items() for secret in processor.issued if secret in text]
    assert found == []


def test_the_canary_would_be_found(processor: PaymentProcessor, tmp_path: Path) -> None:
    connection = connection_at(processor.address, tmp_path)
    connect(connection, LocalPlace(tmp_path / "work"))
    kept = (tmp_path / "payments.json").read_text()
    assert [kind for kind in ("access", "refresh") if f"{kind}-canary-" not in kept] == []


def problems(finder: Finder) -> list[Problem]:
    assert finder.kinds == {ProblemKind.CONNECTION}
    return list(finder.find())


def test_a_connection_that_ended_is_a_problem_with_the_link_until_it_is_connected_again(
    processor: PaymentProcessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    finder = connection_finder(load("vending"))
    connection = connection_at(processor.address, tmp_path / "connections")
    work = LocalPlace(tmp_path / "work")
    assert problems(finder) == [], "a service that was never connected is none"
    connect(connection, work)
    assert problems(finder) == []
    processor.revoke_everything()
    connection.now = lambda: datetime.now(UTC) + timedelta(hours=2)
    with pytest.raises(PlatformError):
        connection.access_token()
    (problem,) = problems(finder)
    assert (problem.what, problem.link) == ("payments is no longer connected", "http://127.0.0.1:8000/connections")
    assert "the consent was revoked, or has ended" in problem.why
    connect(connection, work)
    assert problems(finder) == []
    connection.disconnect()
    assert problems(finder) == [], "a person did that, and knows"
