"""What a clock showed is a moment, or is rejected with the reason: where clocks are moved, some times do not exist and
some come twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import Source
from vending_platform.ingestion.validation import FileFacts, Validated, Validator, validation_engine
from vending_platform_tests.ingestion.test_forms import accepted, contract, validated
from vending_platform_tests.properties import examples

NEW_YORK: dict[str, Any] = {"type": "timestamp", "time_zone": "America/New_York"}
GONE, TWICE = "2024-03-10 02:30:00", "2024-11-03 01:30:00"


def test_a_time_that_did_not_exist_is_rejected_with_the_reason() -> None:
    before, gone, after = accepted(contract({"at": NEW_YORK}), "2024-03-10 01:59:59", GONE, "2024-03-10 03:00:00")
    assert gone == f"at '{GONE}' did not exist in America/New_York, where clocks were put forward"
    assert (before, after) == (datetime(2024, 3, 10, 15, 59, 59), datetime(2024, 3, 10, 16))


def test_a_time_that_came_twice_is_rejected_unless_the_contract_says_which() -> None:
    assert accepted(contract({"at": NEW_YORK}), TWICE) == [
        f"at '{TWICE}' came twice in America/New_York, where clocks were put back;"
        " ambiguous_times in the contract can say which is meant"
    ]
    for which, hour in (("earlier", 14), ("later", 15)):
        source = contract({"at": NEW_YORK | {"ambiguous_times": which}})
        assert accepted(source, TWICE) == [datetime(2024, 11, 3, hour, 30)]
        assert "did not exist" in accepted(source, GONE)[0], "no word makes a time that was not"


def test_a_time_with_its_offset_is_a_moment_whatever_clocks_do() -> None:
    source = contract({"at": NEW_YORK | {"formats": ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z"]}})
    assert accepted(source, f"{TWICE}-0400", f"{TWICE}-0500") == [
        datetime(2024, 11, 3, 14, 30),
        datetime(2024, 11, 3, 15, 30),
    ]
    assert "came twice" in accepted(source, TWICE)[0]
    assert "is not a valid timestamp" in accepted(source, "03.11.2024")[0]


def test_japan_moved_its_clocks_too_once() -> None:
    source = contract({"at": {"type": "timestamp"}})
    assert accepted(source, "2024-03-10 02:30:00", "1900-01-01 00:00:00", "0001-01-01 00:00:00") == [
        datetime(2024, 3, 10, 2, 30),
        datetime(1900, 1, 1),
        datetime(1, 1, 1),
    ]
    assert "did not exist in Asia/Tokyo" in accepted(source, "1950-05-07 00:30:00")[0]


ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Tokyo")
_CHANGES = [
    change
    for zone in ZONES
    for hours in range(0, 24 * 365 * 54, 12)
    for change in [(zone, datetime(1970, 1, 2) + timedelta(hours=hours))]
    if ZoneInfo(zone).utcoffset(change[1]) != ZoneInfo(zone).utcoffset(change[1] + timedelta(hours=12))
]
"""Half days in which a zone's clocks were moved."""


@given(
    change=st.sampled_from(_CHANGES),
    minutes=st.lists(st.integers(-36 * 60, 48 * 60), min_size=40, max_size=40),
    which=st.sampled_from(["earlier", "later", None]),
)
@examples(80)
def test_the_moments_are_those_that_python_finds(
    change: tuple[str, datetime], minutes: list[int], which: str | None
) -> None:
    zone, near = ZoneInfo(change[0]), change[1]
    times = [near + timedelta(minutes=number) for number in minutes]
    source = contract({"at": {"type": "timestamp", "time_zone": change[0], "ambiguous_times": which}})
    for time, found in zip(times, _times(source, times), strict=True):
        moments = sorted({time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
        moments = [moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == time]
        if len(moments) > 1:
            moments = {"earlier": moments[:1], "later": moments[1:], None: []}[which]
        expected = [moment.astimezone(ZoneInfo("Asia/Tokyo")).replace(tzinfo=None) for moment in moments]
        assert found == (expected[0] if expected else None), time


def _times(source: Source, times: list[datetime]) -> list[datetime | None]:
    result = _validated(source, [str(time) for time in times])
    by_line = dict(zip(result.accepted["_line"].to_pylist(), result.accepted["at"].to_pylist(), strict=True))
    assert len(by_line) + result.rejected.num_rows == len(times)
    return [by_line.get(line) for line in range(len(times))]


def _validated(source: Source, texts: list[str], day: date | None = None) -> Validated:
    count = len(texts)
    rows = pa.table(
        {
            "_file": pa.array([0] * count, pa.int32()),
            "_line": pa.array(range(count), pa.int64()),
            **{name: pa.nulls(count, pa.int64()) for name in ("_offset", "_length")},
            **{name: pa.nulls(count, pa.string()) for name in ("_problem", "_extra")},
            "id": [str(number) for number in range(count)],
            "at": texts,
        }
    )
    with validation_engine() as engine:
        return Validator(source, engine).validate(rows, [FileFacts("f", None, day)])


def test_the_business_day_is_japans_unless_the_contract_names_another_zone() -> None:
    at = {"at": NEW_YORK | {"required": True}}
    text = "id,at\na,2024-03-05 09:59:59\nb,2024-03-05 10:00:00\nc,2024-03-05 23:59:59\n"
    days = {
        zone: validated(contract(at, day_column="at", day_time_zone=zone), text).accepted["_business_date"].to_pylist()
        for zone in (None, "America/New_York", "UTC")
    }
    fifth, sixth = date(2024, 3, 5), date(2024, 3, 6)
    assert days == {
        None: [fifth, sixth, sixth],
        "America/New_York": [fifth, fifth, fifth],
        "UTC": [fifth, fifth, sixth],
    }


def test_a_row_is_held_against_its_files_day_in_the_same_zone() -> None:
    source = contract(
        {"at": NEW_YORK | {"required": True}},
        names="any_{yyyymmdd}.csv",
        delivery="daily",
        day_column="at",
        day_time_zone="America/New_York",
    )
    times = ["2024-03-05 00:00:00", "2024-03-05 23:59:59", "2024-03-06 00:00:00"]
    result = _validated(source, times, date(2024, 3, 5))
    assert result.accepted["id"].to_pylist() == ["0", "1"]
    assert result.rejected["reason"].to_pylist() == ["at '2024-03-06 00:00:00' is outside the file's day 2024-03-05"]


@pytest.mark.parametrize("column", [{"type": "text"}, {"type": "date"}, {"type": "integer"}])
def test_only_a_timestamp_can_be_ambiguous(column: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'ambiguous_times' means nothing for type"):
        contract({"at": column | {"ambiguous_times": "earlier"}})
    assert contract({"at": column | {"ambiguous_times": None}}).column("at").ambiguous_times is None


def test_a_zone_for_days_needs_a_time_to_take_them_from() -> None:
    for column in (None, "id"):
        with pytest.raises(ValueError, match="day_time_zone means something only with a day_column that is a time"):
            contract({}, day_column=column, day_time_zone="UTC")
    with pytest.raises(ValueError, match="'Mars' is not a time zone"):
        contract({"at": NEW_YORK | {"required": True}}, day_column="at", day_time_zone="Mars")


def test_a_contract_that_says_nothing_of_clocks_is_read_as_before() -> None:
    plain = contract({"at": NEW_YORK})
    assert contract({"at": NEW_YORK | {"ambiguous_times": None}}).reading_hash == plain.reading_hash
    assert contract({"at": NEW_YORK | {"ambiguous_times": "later"}}).reading_hash != plain.reading_hash
