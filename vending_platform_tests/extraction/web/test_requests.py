"""Requests: paced, made again where that helps, bounded; and no key is ever shown."""

import io
import logging
import traceback
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from vending_platform.catalog import SystemName
from vending_platform.environment import ApiAuth, load
from vending_platform.extraction import ExtractionError, SystemUnavailable
from vending_platform.extraction.opening import extractor_of
from vending_platform.extraction.web import client
from vending_platform.extraction.web.client import retry_after
from vending_platform_tests.emulators.services import Fault, Reply, WeatherService
from vending_platform_tests.extraction.web.parts import (
    ExtractedApi,
    TestClock,
    settings_of,
    thing_source,
    weather_source,
)

CANARY = "canary-in-the-mine-7f3a"
NOW = datetime(2024, 3, 10, 3, tzinfo=UTC)


def test_requests_are_as_far_apart_as_is_declared(listed: ExtractedApi) -> None:
    listed.sources = (thing_source(paging={"by": "page"}),)
    listed.settings = {"requests_a_minute": 20}
    listed.extract()
    assert listed.clock.slept == [3.0, 3.0, 3.0]  # before the second, the third and the empty fourth page


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_the_wait_is_as_long_as_the_service_asks_for(listed: ExtractedApi, status: int) -> None:
    now = NOW.replace(year=2031)  # by the service's own clock
    until = {"date": format_datetime(now), "retry-after": format_datetime(now.replace(minute=1))}
    listed.server.faults += [
        Fault(Reply(status=status, headers={"retry-after": "7"})),
        Fault(Reply(status=status, headers=until)),
    ]
    assert listed.one().problem is None
    assert [round(seconds) for seconds in listed.clock.slept if seconds > 1] == [7, 60]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(NOW.replace(second=30), usegmt=True), 30.0),
        ("Sun, 10 Mar 2024 02:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}, NOW) == seconds


def test_a_longer_wait_than_is_allowed_is_left_to_the_next_run(listed: ExtractedApi) -> None:
    listed.server.faults.append(Fault(Reply(status=429, headers={"retry-after": "3600"})))
    with pytest.raises(SystemUnavailable, match="wants no request for 3600 seconds; longest_wait allows 60"):
        listed.extract()
    assert listed.clock.slept == []
    assert listed.one().problem is None


def test_attempts_are_bounded_and_the_waits_grow(listed: ExtractedApi) -> None:
    listed.server.faults.append(Fault(Reply(status=503), times=99))
    with pytest.raises(SystemUnavailable, match=r"things \(GET /things/things\) answered 503"):
        listed.extract()
    assert len(listed.server.requests) == 4
    assert len([seconds for seconds in listed.clock.slept if seconds >= 0.5]) == 3


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (
            Reply(b'{"reason": "no station"}', 400),
            'things (GET /things/things) answered 400 ({"reason": "no station"})',
        ),
        (Reply(b"<html>not found</html>", 404), "things (GET /things/things) answered 404"),
        (
            Reply(status=301, headers={"location": "https://a.example/"}),
            "that it is elsewhere: correct the address",
        ),
        (Reply(status=401), "answered 401: it is asked without a key"),
    ],
)
def test_what_asking_again_cannot_help_is_a_problem_at_once(listed: ExtractedApi, reply: Reply, problem: str) -> None:
    listed.server.faults.append(Fault(reply))
    assert problem in str(listed.one().problem)
    assert len(listed.server.requests) == 1


def test_what_is_wrong_with_one_source_stops_no_other(listed: ExtractedApi) -> None:
    other = thing_source(path="/elsewhere", files={"names": ["others_{yyyymmdd}.parquet"]})
    listed.sources = (other.model_copy(update={"name": "other"}), thing_source())
    listed.server.faults.append(Fault(Reply(status=404), is_about=lambda request: "elsewhere" in request.path))
    other_done, done = listed.extract()
    assert (other_done.files, done.files) == (0, 1)
    assert "answered 404" in str(other_done.problem)


def test_an_answer_of_any_length_is_not_kept(listed: ExtractedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MOST_BYTES", 2 * 1024**2)
    listed.server.faults.append(Fault(Reply(b" " * (2 * 1024**2 + 1))))
    assert "answered with more than 2 MB: declare smaller pages" in str(listed.one().problem)


def test_an_answer_that_takes_too_long_in_all_is_given_up(listed: ExtractedApi) -> None:
    class Slow(TestClock):
        @property
        def clock(self) -> Any:
            return client.Clock(self._later, self.sleep, lambda: self.today)

        def _later(self) -> float:
            self.seconds += 101.0  # every look at the clock is more than ten timeouts later
            return self.seconds

    listed.clock = Slow()
    with pytest.raises(SystemUnavailable, match="did not finish its answer in time"):
        listed.extract()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://h/", "can't be used: write https://host"),
        ("https://", "can't be used: write https://host"),
        ("http://example.com", "must begin with https://"),
    ],
)
def test_an_address_that_is_none_is_refused(listed: ExtractedApi, url: str, problem: str) -> None:
    listed.settings = {"url": url}
    with pytest.raises(ExtractionError, match=problem):
        listed.extract()


def test_a_service_that_is_not_there(listed: ExtractedApi) -> None:
    listed.settings = {"url": "http://127.0.0.1:1"}
    with pytest.raises(SystemUnavailable, match="did not answer"):
        listed.extract()


SUMMARY: dict[str, Any] = {
    "path": "/data/3.0/onecall/day_summary",
    "params": {"lat": "{latitude}", "lon": "{longitude}", "date": "{day}", "units": "metric"},
    "records": "",
    "layout": "rows",
}
SUMMARY_COLUMNS = {
    "prefecture": {"type": "text", "required": True},
    "day": {"type": "date", "header": "date", "required": True},
    "temperature_max": {"type": "decimal(4,1)", "header": "temperature.max"},
    "rain": {"type": "decimal(6,1)", "header": "precipitation.total"},
}


@pytest.fixture
def keyed(extracted: ExtractedApi, weather: WeatherService, tmp_path: Path) -> ExtractedApi:
    """The weather of another service, which has a key, and the key in a file."""
    weather.key = CANARY
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)
    extracted.sources = (weather_source(columns=SUMMARY_COLUMNS, **SUMMARY),)
    extracted.settings = {"auth": ApiAuth.KEY, "secret": str(path), "sent_as": "param appid"}
    return extracted


def test_another_service_by_setting(keyed: ExtractedApi, extracted: ExtractedApi, tmp_path: Path) -> None:
    assert keyed.one().files == 9
    plain = ExtractedApi(keyed.server, tmp_path / "plain", (weather_source(),))
    plain.extract()
    for path in plain.files():
        ours, theirs = keyed.rows(path), plain.rows(path)
        assert [row["temperature.max"] for row in ours] == [row["temperature_2m_max"] for row in theirs]


def test_a_key_in_a_header(keyed: ExtractedApi) -> None:
    keyed.settings["sent_as"] = "header X-Api-Key"
    assert "answered 401" in str(keyed.one().problem)
    assert keyed.server.requests[0].headers["x-api-key"] == CANARY


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (CANARY, 0o644, "others than you may read the key"),
        ("", 0o600, "must be one line of ASCII"),
        (f"{CANARY}\n{CANARY}", 0o600, "must be one line of ASCII"),
        (None, 0, "there is no key: write it into"),
    ],
)
def test_a_key_that_cannot_be_used(keyed: ExtractedApi, content: str | None, mode: int, problem: str) -> None:
    path = Path(keyed.settings["secret"])
    path.unlink()
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(ExtractionError, match=problem) as refused:
        keyed.extract()
    assert CANARY not in str(refused.value)


def test_no_key_is_shown_anywhere(keyed: ExtractedApi, tmp_path: Path, weather: WeatherService) -> None:
    """In logs at their finest, messages, tracebacks and files; although the service repeats it."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setLevel(logging.DEBUG)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    problems: list[str] = []
    try:
        assert keyed.one().problem is None
        weather.key = "another"
        problems.append(str(keyed.one().problem))
        keyed.server.faults.append(Fault(Reply(f"overloaded by {CANARY}".encode(), 503), times=9))
        with pytest.raises(SystemUnavailable) as lost:
            keyed.extract()
        problems += traceback.format_exception(lost.value)
        keyed.settings["url"] = "http://127.0.0.1:1"
        with pytest.raises(SystemUnavailable) as lost:
            keyed.extract()
        problems += traceback.format_exception(lost.value)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert "Invalid API key: …" in problems[0]
    assert "overloaded by …" in "".join(problems)
    assert any(request.params.get("appid") == CANARY for request in keyed.server.requests)
    assert CANARY not in said.getvalue() + "".join(problems)
    key = Path(keyed.settings["secret"])
    for path in (path for path in tmp_path.rglob("*") if path.is_file() and path != key):
        assert CANARY.encode() not in path.read_bytes()


def test_an_api_that_is_not_declared_is_named() -> None:
    with pytest.raises(ExtractionError, match=r"no API 'tides' is declared for development .* there are: weather"):
        extractor_of(load(), SystemName("api", "tides"), ())
    assert callable(extractor_of(load(), SystemName("api", "weather"), ()))
    assert CANARY not in repr(settings_of("https://h"))
