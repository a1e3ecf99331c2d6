"""Days: which are asked about, when they are final, and what a correction becomes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from vending_platform.extraction.web.running import extract_api
from vending_platform_tests.emulators.services import Fault, WeatherService
from vending_platform_tests.emulators.services.server import as_json
from vending_platform_tests.extraction.web.parts import WEATHER, ExtractedApi, settings_of, weather_source
from weather_simulator import Weather

DAYS = [f"weather/daily_202403{number:02d}.parquet" for number in range(1, 10)]


def truth(weather: Weather, day: date, *, early: bool = False) -> list[dict[str, object]]:
    look = weather.early if early else weather.on
    return [
        {
            "prefecture": prefecture,
            "time": day,
            "temperature_2m_max": look(prefecture, day).temperature_max,
            "precipitation_sum": look(prefecture, day).precipitation,
        }
        for prefecture in ("千葉県", "東京都")
    ]


def test_each_day_until_yesterday_is_a_delivery_with_all_prefectures(
    extracted: ExtractedApi, simulated: Weather
) -> None:
    done = extracted.one()
    assert done.problem is None
    assert (done.files, done.rows, done.path) == (9, 18, DAYS[-1])
    assert list(extracted.files()) == DAYS
    assert extracted.rows(DAYS[0]) == truth(simulated, date(2024, 3, 1))
    assert extracted.rows(DAYS[8]) == truth(simulated, date(2024, 3, 9), early=True)
    assert isinstance(extracted.rows(DAYS[0])[0]["precipitation_sum"], Decimal)
    assert len(extracted.server.requests) == 2  # a span each for two prefectures


def test_the_same_again_asks_about_days_that_are_not_final_and_changes_nothing(extracted: ExtractedApi) -> None:
    extracted.extract()
    before = extracted.files()
    times = {path: path.stat().st_mtime_ns for path in extracted.raw.rglob("*.parquet")}
    extracted.server.requests.clear()
    done = extracted.one()
    assert (done.path, done.files, done.problem) == (None, 0, None)
    assert extracted.files() == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert {(request.params["start_date"], request.params["end_date"]) for request in extracted.server.requests} == {
        ("2024-03-05", "2024-03-09")
    }


def test_a_day_is_asked_about_until_it_is_final_and_its_correction_reaches_the_rows(
    extracted: ExtractedApi, weather: WeatherService, simulated: Weather
) -> None:
    for _ in range(8):
        extracted.extract()
        loaded = extracted.load()
        extracted.days_pass(1)
        weather.today = extracted.clock.today.date()
    for number, path in enumerate(DAYS, start=1):
        assert extracted.rows(path) == truth(simulated, date(2024, 3, number))
    columns = "prefecture, day, temperature_max, rain"
    rows = loaded.rows(f"select {columns} from raw.asked where day <= '2024-03-09' order by day, prefecture")
    expected = [row for number in range(1, 10) for row in truth(simulated, date(2024, 3, number))]
    assert [list(row.values()) for row in rows] == [list(row.values()) for row in expected]
    superseded = {row["path"] for row in loaded.rows("select path from raw._files where state = 'superseded'")}
    early = {path for number, path in enumerate(DAYS, start=1) if number >= 5 and _was_corrected(simulated, number)}
    assert superseded >= early > set()
    assert all(row["state"] == "loaded" for row in loaded.ledger().values())


def _was_corrected(weather: Weather, number: int) -> bool:
    day = date(2024, 3, number)
    return truth(weather, day) != truth(weather, day, early=True)


def test_a_person_can_ask_about_a_final_day_again(extracted: ExtractedApi) -> None:
    extracted.extract()
    (path,) = [path for path in extracted.files() if "0302" in path]
    good = extracted.files()[path]
    (extracted.raw / path).write_bytes(b"spoilt")
    assert extracted.one().path is None  # it is final, so no one asks about it
    (done,) = extracted.extract(date(2024, 3, 2), date(2024, 3, 3))
    assert (done.path, done.files) == (path, 1)
    assert extracted.files()[path] == good
    (future,) = extracted.extract(date(2024, 3, 10), date(2024, 3, 12))
    assert (future.problem, future.files) == (None, 0)


def test_one_request_for_each_day_where_the_contract_names_the_day(extracted: ExtractedApi, simulated: Weather) -> None:
    params = WEATHER["params"] | {"start_date": "{day}", "end_date": "{day}"}
    by_day = ExtractedApi(extracted.server, extracted.folder / "other", (weather_source(params=params),))
    extracted.extract()
    by_day.extract()
    assert by_day.files() == extracted.files()
    assert len(extracted.server.requests) == 2 + 9 * 2


def test_spans_are_as_long_as_is_declared(extracted: ExtractedApi) -> None:
    extracted.sources = (weather_source(days_at_once=4),)
    extracted.extract()
    spans = [
        (request.params["start_date"][-2:], request.params["end_date"][-2:]) for request in extracted.server.requests
    ]
    assert spans == [("01", "04")] * 2 + [("05", "08")] * 2 + [("09", "09")] * 2


def test_without_the_note_all_days_are_asked_about_and_nothing_is_written_again(extracted: ExtractedApi) -> None:
    extracted.extract()
    (extracted.folder / "work" / "extraction" / "asked.days.json").write_text("no JSON")
    extracted.server.requests.clear()
    assert extracted.one().files == 0
    assert extracted.server.requests[0].params["start_date"] == "2024-03-01"


def test_a_record_of_a_day_that_was_not_asked_about_stops_the_span(extracted: ExtractedApi) -> None:
    answer = {"daily": {"time": ["2024-02-29"], "temperature_2m_max": [1], "precipitation_sum": [0]}}
    extracted.server.faults.append(Fault(as_json(answer)))
    done = extracted.one()
    assert done.problem == "weather (2024-03-01 to 2024-03-09): a record is of 2024-02-29, which was not asked for"
    answer["daily"]["time"] = ["no day"]
    extracted.server.faults.append(Fault(as_json(answer)))
    assert "a record is of no day" in str(extracted.one().problem)
    assert extracted.files() == {}


def test_a_day_that_loses_its_records_is_delivered_without_rows(extracted: ExtractedApi) -> None:
    nothing: dict[str, Any] = {"daily": {"time": [], "temperature_2m_max": [], "precipitation_sum": []}}
    extracted.sources = (weather_source(final_after="20d", each=WEATHER["each"][:1]),)
    extracted.server.faults.append(Fault(as_json(nothing)))
    assert extracted.one().files == 0  # no file of a day without records
    assert extracted.one().files == 9
    extracted.server.faults.append(Fault(as_json(nothing)))
    assert extracted.one().files == 9
    loaded = extracted.load()
    assert loaded.rows("select count(*) as n from raw.asked") == [{"n": 0}]
    assert {row["state"] for row in loaded.ledger().values()} == {"loaded"}


def test_progress_counts_all_requests_that_are_needed(extracted: ExtractedApi) -> None:
    extracted.sources = (weather_source(**WEATHER | {"days_at_once": 4}),)
    answered: list[tuple[str, int, int]] = []
    place = replace(extracted.place, on_requests=lambda *one: answered.append(one))
    settings = settings_of(url=extracted.server.of("weather"))
    extract_api("weather", settings, None, extracted.sources, place, None, extracted.clock.clock)
    assert answered == [(extracted.sources[0].name, number, 6) for number in range(1, 7)]
    assert len(extracted.server.requests) == 6  # nine days in three spans, for two prefectures
