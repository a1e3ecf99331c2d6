"""The connect page's API: what is connected, the way to consent and back, and the end of a connection."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from vending_platform.connections import NotConnected, open_connection
from vending_platform.service.web import Loopback, WebSettings
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.people import agree
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.payments import PaymentProcessor, Reply, payment_processor
from vending_platform_tests.service.conftest import ADDRESS, GENEROUS
from vending_platform_tests.service.connecting import connect_app, environment_with

API = "/api/connections"


@pytest.fixture
def processor() -> Iterator[PaymentProcessor]:
    with payment_processor() as served:
        yield served


@pytest.fixture
def client(processor: PaymentProcessor, tmp_path: Path, core: Core) -> Iterator[TestClient]:
    with TestClient(connect_app(processor, tmp_path, core), ADDRESS, follow_redirects=False) as client:
        yield client


def back_from(client: TestClient, answer: str = "allow") -> str:
    """The address that the service sends a browser back to."""
    url = client.post(f"{API}/payments/consent").json()["url"]
    redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    assert redirect == f"{ADDRESS}/connections/payments/callback"
    return f"{redirect}?{urlencode(agree(url, answer))}"


def outcome(client: TestClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 303
    assert response.headers["referrer-policy"] == "no-referrer"
    target = urlsplit(response.headers["location"])
    assert target.path == "/connections"
    return parse_qs(target.query)["outcome"][0]


def only(client: TestClient) -> dict[str, object]:
    (view,) = client.get(API).json()
    assert isinstance(view, dict)
    return view


def test_a_service_is_connected_shown_and_disconnected(
    client: TestClient, processor: PaymentProcessor, tmp_path: Path
) -> None:
    before = only(client)
    assert (before["is_connected"], before["scopes"], before["connected_at"]) == (False, ["settlements.read"], None)
    assert outcome(client, back_from(client)) == "connected"
    view = only(client)
    assert (view["is_connected"], view["connected_by"], view["scopes"]) == (True, "this machine", ["settlements.read"])
    settings = environment_with(processor, tmp_path)
    connection = open_connection(settings, "payments", LocalPlace(tmp_path / "work"))
    assert connection.access_token().get_secret_value() in processor.issued
    assert client.delete(f"{API}/payments").json() == {"was_revoked": True}
    assert processor.consents[0].is_revoked
    assert (only(client)["is_connected"], only(client)["ended"]) == (False, "disconnected")
    with pytest.raises(NotConnected):
        open_connection(settings, "payments", LocalPlace(tmp_path / "work")).access_token()


def test_a_person_may_decline(client: TestClient) -> None:
    assert outcome(client, back_from(client, "deny")) == "declined"
    assert only(client)["is_connected"] is False


def test_the_way_back_is_for_one_use_in_the_browser_that_began(client: TestClient) -> None:
    address = back_from(client)
    cookie = client.cookies["vending-consent"]
    client.cookies.clear()
    assert outcome(client, address) == "untrusted", "another browser"
    client.cookies.set("vending-consent", cookie)
    assert outcome(client, address) == "untrusted", "what was tried once is over"
    assert only(client)["is_connected"] is False
    assert outcome(client, back_from(client)) == "connected"


def test_a_state_that_was_not_made_here_is_refused(client: TestClient) -> None:
    """As when someone makes a browser come back from a consent to a service account of their own."""
    client.post(f"{API}/payments/consent")
    forged = f"/connections/payments/callback?{urlencode({'state': 'made up', 'code': 'theirs'})}"
    assert outcome(client, forged) == "untrusted"
    assert outcome(client, "/connections/payments/callback") == "untrusted"


def test_what_takes_more_than_ten_minutes_is_begun_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    address = back_from(client)
    monkeypatch.setattr("vending_platform.connections.consent.LASTS", timedelta(0))
    assert outcome(client, address) == "untrusted"
    client.post(f"{API}/payments/consent")


def test_what_was_begun_and_not_finished_is_tidied_away(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    client.post(f"{API}/payments/consent")
    monkeypatch.setattr("vending_platform.connections.consent.LASTS", timedelta(0))
    client.post(f"{API}/payments/consent")
    assert len(list((tmp_path / "work" / "connections" / "pending").iterdir())) == 1


def test_a_service_that_does_not_answer_is_told_apart(client: TestClient, processor: PaymentProcessor) -> None:
    address = back_from(client)
    processor.fault = lambda asked: Reply(503) if asked.path == "/oauth/token" else None
    assert outcome(client, address) == "unavailable"
    processor.fault = lambda asked: (
        Reply.of_json({"error": "invalid_grant"}, 400) if asked.path == "/oauth/token" else None
    )
    assert outcome(client, back_from(client)) == "refused"


def test_what_is_not_there_or_not_connected_is_a_problem(client: TestClient) -> None:
    assert client.post(f"{API}/weather/consent").status_code == 404
    answer = client.delete(f"{API}/payments")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:not-allowed")


def test_the_cookie_comes_from_this_host_alone_where_the_service_is_encrypted(
    processor: PaymentProcessor, tmp_path: Path, core: Core
) -> None:
    settings = WebSettings([Loopback()], hosts={"data.example.com"}, is_encrypted=True, limits=GENEROUS)
    app = connect_app(processor, tmp_path, core, settings)
    with TestClient(app, "https://data.example.com") as client:
        response = client.post(f"{API}/payments/consent")
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith("__host-vending-consent=")
    assert [
        word for word in ("secure", "httponly", "samesite=lax", "path=/", "max-age=600") if word not in cookie
    ] == []
    redirect = parse_qs(urlsplit(response.json()["url"]).query)["redirect_uri"]
    assert redirect == ["https://data.example.com/connections/payments/callback"]


def test_neither_codes_nor_tokens_are_in_the_log_of_requests_or_in_an_answer(
    client: TestClient, processor: PaymentProcessor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vending_platform")
    outcome(client, back_from(client))
    shown = client.get(API).text + client.get("/metrics").text + "\n".join(map(str, caplog.records))
    fields = " ".join(str(vars(record)) for record in caplog.records)
    assert "/connections/{name}/callback" in fields
    assert [secret for secret in processor.issued if secret in shown + fields] == []


def test_the_page_needs_no_login_and_runs_nothing_but_its_own_program(client: TestClient) -> None:
    page = client.get("/connections")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert " style=" not in page.text
    for file, media_type in (("page.js", "text/javascript"), ("page.css", "text/css")):
        assert client.get(f"/connections/{file}").headers["content-type"].startswith(media_type)
