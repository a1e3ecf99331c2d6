"""A connection's access token is valid whenever it is used, renewed by one process, and kept before that."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from vending_platform.connections import (
    ConsentEnd,
    Grant,
    NotConnected,
    ProviderRefused,
    ProviderUnavailable,
    TokenPair,
)
from vending_platform.connections.auth import ConnectionAuth
from vending_platform.connections.model import as_text, read_grant
from vending_platform.connections.store import FileStore
from vending_platform.errors import ConfigurationError
from vending_platform_tests.connections.people import PAGE, connected, connection_at
from vending_platform_tests.emulators.payments import DROPPED, Asked, PaymentProcessor, Reply

LATER = timedelta(hours=1)


def works(processor: PaymentProcessor, token: SecretStr) -> bool:
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    return httpx2.get(f"{processor.address}/v1/settlements", headers=headers, trust_env=False).status_code == 200


def refreshing(asked: Asked) -> bool:
    return asked.form.get("grant_type") == "refresh_token"


def test_a_service_that_is_not_connected_is_connected_on_a_page(processor: PaymentProcessor, tmp_path: Path) -> None:
    with pytest.raises(NotConnected, match=f"payments is not connected yet: connect it at {PAGE}"):
        connection_at(processor.address, tmp_path).access_token()


def test_a_token_is_used_until_shortly_before_its_end_then_renewed_once(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    connection = connected(processor, tmp_path)
    first = connection.access_token()
    assert works(processor, first)
    began = datetime.now(UTC)
    connection.now = lambda: began + LATER - timedelta(seconds=90)
    assert connection.access_token() == first
    connection.now = lambda: began + LATER - timedelta(seconds=30)
    second = connection.access_token()
    assert second != first
    assert works(processor, second)
    assert processor.refreshes() == 1


def test_many_processes_renew_one_token_once(processor: PaymentProcessor, tmp_path: Path) -> None:
    """Each has a connection of its own, and the processor would end the consent at a second use."""
    connected(processor, tmp_path)
    workers = [connection_at(processor.address, tmp_path) for _ in range(8)]
    for worker in workers:
        worker.now = lambda: datetime.now(UTC) + LATER
    with ThreadPoolExecutor(len(workers)) as pool:
        tokens = list(pool.map(lambda worker: worker.access_token(), workers))
    assert len(set(tokens)) == 1
    assert works(processor, tokens[0])
    assert processor.refreshes() == 1


def test_the_next_token_is_kept_before_it_is_used(processor: PaymentProcessor, tmp_path: Path) -> None:
    connection = connected(processor, tmp_path)
    connection.now = lambda: datetime.now(UTC) + LATER
    seen: list[str | None] = []

    def look(point: str) -> None:
        if point == "kept":
            grant = FileStore(tmp_path / "payments.json").read()
            assert grant is not None
            assert grant.tokens is not None
            seen.append(grant.tokens.access.get_secret_value())

    connection.on_point = look
    assert seen == []
    token = connection.access_token()
    assert seen == [token.get_secret_value()]


def test_a_token_that_the_service_rejects_is_renewed_and_the_request_sent_again(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    connection = connected(processor, tmp_path)
    processor.pass_time(LATER.total_seconds() + 1)  # by the processor's clock it is over, and by ours it is not
    with httpx2.Client(auth=ConnectionAuth(connection), trust_env=False) as client:
        assert client.get(f"{processor.address}/v1/settlements").status_code == 200
        assert client.get(f"{processor.address}/v1/settlements").status_code == 200
    assert processor.refreshes() == 1


def test_revoked_consent_ends_the_connection_until_a_person_connects_it_again(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    connection = connected(processor, tmp_path)
    processor.revoke_everything()
    with pytest.raises(NotConnected, match=rf"no longer connected \(the service refused .* connect it at {PAGE}"):
        connection.access_token(rejected=connection.access_token())
    grant = connection.state()
    assert grant is not None
    assert (grant.ended, grant.tokens) == (ConsentEnd.REVOKED, None)
    asked = len(processor.asked)
    with pytest.raises(NotConnected):
        connection_at(processor.address, tmp_path).access_token()
    assert len(processor.asked) == asked, "the service is asked nothing once it has refused"
    again = connected(processor, tmp_path)
    assert works(processor, again.access_token())


def test_a_lost_answer_is_asked_for_once_more_at_once(processor: PaymentProcessor, tmp_path: Path) -> None:
    processor.grace = 30
    connection = connected(processor, tmp_path)
    first = connection.access_token()
    left = iter([DROPPED])
    processor.fault = lambda asked: next(left, None) if refreshing(asked) else None
    assert works(processor, connection.access_token(rejected=first))
    assert processor.refreshes() == 2


def test_a_lost_answer_of_a_service_without_grace_ends_the_connection_and_says_so(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    """Nothing on this side could prevent it: the only copy of the next token was on the way."""
    connection = connected(processor, tmp_path)
    left = iter([DROPPED])
    processor.fault = lambda asked: next(left, None) if refreshing(asked) else None
    with pytest.raises(NotConnected, match="an earlier answer with the next token may have been lost"):
        connection.access_token(rejected=connection.access_token())
    assert processor.consents[0].reuse_detected
    grant = connection.state()
    assert grant is not None
    assert grant.ended is ConsentEnd.LOST


@pytest.mark.parametrize(("status", "times"), [(429, 1), (500, 3), (503, 3)])
def test_a_service_that_is_not_available_ends_nothing(
    processor: PaymentProcessor, tmp_path: Path, status: int, times: int
) -> None:
    """After 429 the service has certainly done nothing, and is left alone; after 5xx it may have."""
    connection = connected(processor, tmp_path)
    first = connection.access_token()
    processor.fault = lambda asked: Reply(status) if refreshing(asked) else None
    with pytest.raises(ProviderUnavailable, match=str(status)) as caught:
        connection.access_token(rejected=first)
    assert caught.value.is_transient
    assert processor.refreshes() == times
    processor.fault = lambda _: None
    assert works(processor, connection.access_token(rejected=first))


def test_a_client_that_the_service_does_not_know_is_a_mistake_in_the_settings(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    connection = connected(processor, tmp_path)
    first = connection.access_token()
    processor.client_secret = "none of ours"
    with pytest.raises(ProviderRefused, match=r"invalid_client, status 401.*connections\.payments in environments"):
        connection.access_token(rejected=first)
    processor.client_secret = None
    assert works(processor, connection.access_token(rejected=first))


@pytest.mark.parametrize(
    "body",
    [b"not json", b"{}", b'{"access_token": ""}', b'{"access_token": "secret", "expires_in": -1}', b"x" * 70_000],
)
def test_an_answer_without_tokens_is_none(processor: PaymentProcessor, tmp_path: Path, body: bytes) -> None:
    connection = connected(processor, tmp_path)
    first = connection.access_token()
    processor.fault = lambda asked: Reply(200, body) if refreshing(asked) else None
    with pytest.raises(ProviderUnavailable) as caught:
        connection.access_token(rejected=first)
    assert "secret" not in str(caught.value)


def test_a_service_that_keeps_refresh_tokens_and_names_no_end_or_scope(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    connection = connected(processor, tmp_path)
    before = connection.state()
    first = connection.access_token()
    processor.fault = lambda asked: Reply.of_json({"access_token": "the next"}) if refreshing(asked) else None
    assert connection.access_token(rejected=first).get_secret_value() == "the next"
    grant = connection.state()
    assert grant is not None
    assert before is not None
    assert grant.tokens is not None
    assert before.tokens is not None
    assert (grant.tokens.refresh, grant.scopes, grant.tokens.expires_at) == (before.tokens.refresh, before.scopes, None)
    assert connection.access_token().get_secret_value() == "the next"


def test_a_connection_without_a_refresh_token_ends_with_its_token(processor: PaymentProcessor, tmp_path: Path) -> None:
    processor.fault = lambda asked: (
        Reply.of_json({"access_token": "only", "expires_in": 60}) if asked.path == "/oauth/token" else None
    )
    connection = connected(processor, tmp_path)
    connection.now = lambda: datetime.now(UTC) + LATER
    with pytest.raises(NotConnected, match=r"the access token ended .*gave none to renew it with"):
        connection.access_token()


def test_disconnecting_tells_the_service_and_forgets_the_tokens(processor: PaymentProcessor, tmp_path: Path) -> None:
    connection = connected(processor, tmp_path)
    token = connection.access_token()
    assert connection.disconnect()
    assert not works(processor, token)
    assert "canary" not in (tmp_path / "payments.json").read_text()
    with pytest.raises(NotConnected, match="a person disconnected it"):
        connection.access_token()


def test_a_service_that_can_t_be_told_stays_connected(processor: PaymentProcessor, tmp_path: Path) -> None:
    connection = connected(processor, tmp_path)
    processor.fault = lambda asked: Reply(503) if asked.path == "/oauth/revoke" else None
    with pytest.raises(ProviderUnavailable):
        connection.disconnect()
    assert works(processor, connection.access_token())


def test_tokens_never_go_over_an_unencrypted_line(tmp_path: Path) -> None:
    connection = connection_at("http://payments.example.com", tmp_path)
    tokens = TokenPair(SecretStr("a"), SecretStr("r"), datetime.now(UTC), datetime.now(UTC))
    connection.store.keep(Grant(1, datetime.now(UTC), "us", (), tokens))
    with pytest.raises(ProviderRefused, match="not encrypted"):
        connection.access_token()


def test_only_its_owner_may_read_the_file_and_another_mode_is_refused(
    processor: PaymentProcessor, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        connection = connected(processor, tmp_path)
    finally:
        os.umask(before)
    path = tmp_path / "payments.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        connection.state()


def test_of_two_processes_that_keep_the_same_generation_one_is_too_late(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    first, second = (Grant(1, now, who, (), TokenPair(SecretStr(who), None, now, None)) for who in ("first", "second"))
    store = FileStore(tmp_path / "payments.json")
    assert store.keep(first)
    assert not store.keep(second)
    assert store.read() == first
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_what_is_not_a_connection_is_refused_and_not_shown() -> None:
    with pytest.raises(
        ConfigurationError, match=r"the secret x does not hold a connection .*\(connected_at, "
    ) as caught:
        read_grant(SecretStr('{"generation": 1, "access_token": "canary"}'), "the secret x")
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_what_is_kept_reads_as_it_was(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    tokens = TokenPair(SecretStr("a"), SecretStr("r"), now, now + LATER)
    for grant in (
        Grant(3, now, "us", ("read", "write"), tokens),
        Grant(4, now, "us", (), None, ConsentEnd.LOST, now),
    ):
        assert read_grant(as_text(grant), "here") == grant
        assert "SecretStr('**********')" in repr(tokens)
