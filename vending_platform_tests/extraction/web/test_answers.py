"""Answers arrive exactly: every digit, every type, every page; and what can't be an answer is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import Source
from vending_platform.extraction.web.answers import parsed, records_in
from vending_platform.extraction.web.client import NotThisTime
from vending_platform.extraction.web.columns import table_of
from vending_platform_tests.emulators.services import Fault, HolidayService, Reply
from vending_platform_tests.emulators.services.holidays import PATH, published
from vending_platform_tests.extraction.web.parts import ExtractedApi, ThingService, source_of, thing_source
from vending_platform_tests.properties import examples

DIGITS = "12345678901234567890123456789012345678"
KEY = {"id": {"type": "integer", "required": True}}


def column_of(source: Source, name: str, *literals: str) -> pa.ChunkedArray:
    """A column of a JSON answer that has these literals in it."""
    records = ", ".join(f'{{"id": {number}, "{name}": {literal}}}' for number, literal in enumerate(literals))
    extract: Any = source.extract
    answer = parsed(extract, f'{{"data": [{records}]}}'.encode())
    return table_of(source, extract, records_in(extract, answer))[name]


def typed(kind: str, *literals: str, column: Mapping[str, Any] | None = None, **extract: Any) -> tuple[str, list[Any]]:
    source = thing_source(KEY | {"value": {"type": kind, **(column or {})}}, **extract)
    found = column_of(source, "value", *literals)
    return str(found.type), found.to_pylist()


@pytest.mark.parametrize(
    ("kind", "literals", "arrow", "values"),
    [
        ("decimal(4,1)", ["5.3", "-0.1", "1e1", "null", "7"], "decimal128(4, 1)", ["5.3", "-0.1", "10.0", None, "7.0"]),
        ("decimal(4,1)", ["5.30", '"2.5"'], "decimal128(4, 1)", ["5.3", "2.5"]),
        ("decimal(38,2)", [f"{DIGITS[:36]}.78"], "decimal128(38, 2)", [f"{DIGITS[:36]}.78"]),
        ("decimal(38,38)", [f"0.{DIGITS}"], "decimal128(38, 38)", [f"0.{DIGITS}"]),
        ("decimal(3,3)", ["0.001", "0"], "decimal128(3, 3)", ["0.001", "0.000"]),
    ],
)  # fmt: skip
def test_decimals_have_the_digits_of_the_answer(kind: str, literals: list[str], arrow: str, values: list[Any]) -> None:
    expected = [None if value is None else Decimal(value) for value in values]
    assert typed(kind, *literals) == (arrow, expected)


@pytest.mark.parametrize(
    ("kind", "literals", "values"),
    [
        ("decimal(4,1)", ["1.25", "1e1"], ["1.25", "10"]),
        ("decimal(4,1)", ["1000.0"], ["1000.0"]),
        ("integer", ["1.5", "2"], ["1.5", "2"]),
        ("integer", ["9223372036854775808"], ["9223372036854775808"]),
        ("integer", ["true"], ["true"]),
        ("integer", ["[1, 2.50]", '{"a": 1.10}'], ["[1, 2.50]", None]),
        ("boolean", ['"yes"', "true"], ["yes", "true"]),
        ("date", ['"2024-02-30"'], ["2024-02-30"]),
        ("date", ["20240101"], ["20240101"]),
        ("timestamp", ['"2024-01-01T00:00:00.1234567Z"'], ["2024-01-01T00:00:00.1234567Z"]),
        ("timestamp", ['"2024-01-01T00:00Z"', '"2024-01-01T00:00"'], ["2024-01-01T00:00Z", "2024-01-01T00:00"]),
    ],
)
def test_what_a_type_cannot_hold_is_delivered_as_text(kind: str, literals: list[str], values: list[Any]) -> None:
    """Nothing is rounded and nothing is lost: ingestion rejects such a row by name."""
    assert typed(kind, *literals) == ("string", values)


def test_values_of_every_other_type() -> None:
    assert typed("integer", "1.0", "-9223372036854775808", '"12"') == ("int64", [1, -(2**63), 12])
    assert typed("boolean", "true", "false", "null") == ("bool", [True, False, None])
    assert typed("date", '"2024-02-29"') == ("date32[day]", [date(2024, 2, 29)])
    assert typed("timestamp", '"2024-01-01T09:00:00+09:00"', '"2024-01-01T00:00:00.5Z"') == (
        "timestamp[us, tz=UTC]",
        [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)],
    )
    clocks = {"column": {"time_zone": "Asia/Tokyo"}}
    assert typed("timestamp", '"2024-01-01 09:00"', **clocks) == ("timestamp[us]", [datetime(2024, 1, 1, 9)])
    assert typed("timestamp", "1704067200", formats="unix") == (
        "timestamp[us, tz=UTC]",
        [datetime(2024, 1, 1, tzinfo=UTC)],
    )
    assert typed("date", '"2024/1/8"', formats="%Y/%-m/%-d") == ("date32[day]", [date(2024, 1, 8)])
    assert typed("text", "1.10", '""', "null", "[1.10]", "true", '"x"') == (
        "string",
        ["1.10", "", None, "[1.10]", "true", "x"],
    )


@given(
    st.lists(st.decimals(-(10**20), 10**20, places=6), min_size=1),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
)
@examples(60)
def test_any_number_arrives_as_it_was_written(decimals: list[Decimal], integers: list[int]) -> None:
    assert typed("decimal(38,6)", *map(str, decimals))[1] == decimals
    assert typed("integer", *map(str, integers))[1] == integers
    assert typed("text", *map(str, decimals))[1] == [str(value) for value in decimals]


def test_nested_values_have_the_names_of_all_levels(listed: ExtractedApi, things: ThingService) -> None:
    things.things = [{"id": 1, "word": "a", "size": {"outer": {"mm": 5.5}}, "tags": ["x", {"y": 1.0}]}]
    columns = KEY | {"size": {"type": "decimal(3,1)", "header": "size.outer.mm"}}
    listed.sources = (thing_source(columns),)
    assert listed.one().problem is None
    (row,) = listed.rows("things_20240310.parquet")
    assert row == {"id": 1, "size.outer.mm": Decimal("5.5"), "tags": '["x", {"y": 1.0}]', "word": "a"}
    loaded = listed.load()
    assert loaded.rows("select size, _extra from raw.asked") == [
        {"size": Decimal("5.5"), "_extra": json.dumps({"tags": '["x", {"y": 1.0}]', "word": "a"})}
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"data": [', "is not json"),
        (b'{"data": [{"id": NaN}]}', "NaN is not JSON"),
        (b'{"data": [], "data": []}', "has a name twice"),
        (b"\xff\xfe", "is not json"),
        (b"<html>maintenance</html>", "is not json"),
        (b"[" * 100_000, "is not json"),
    ],
)
def test_what_is_not_json_is_asked_for_again(listed: ExtractedApi, content: bytes, problem: str) -> None:
    extract: Any = listed.sources[0].extract
    with pytest.raises(NotThisTime, match=problem):
        parsed(extract, content)
    listed.server.faults.append(Fault(Reply(content), times=2))
    assert listed.one().rows == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"items": []}', "things (/things): 'data' of the answer is not there; the answer has: items"),
        (b"[]", "things (/things): 'data' of the answer is not there; the answer has: list"),
        (b'{"data": 5}', "things (/things): 'data' of the answer is not a list of objects"),
        (b'{"data": [5]}', "things (/things): 'data' of the answer is not a list of objects"),
        (b'{"data": [{"word": "a"}]}', "things (/things): records lack id; they have: word"),
    ],
)
def test_an_answer_of_another_shape_is_a_problem_and_no_delivery(
    listed: ExtractedApi, content: bytes, problem: str
) -> None:
    listed.server.faults.append(Fault(Reply(content)))
    done = listed.one()
    assert (done.problem, done.files, listed.files()) == (problem, 0, {})


def test_lists_for_each_column_have_one_length(listed: ExtractedApi) -> None:
    listed.sources = (thing_source(layout="columns"),)
    listed.server.faults += [
        Fault(Reply(b'{"data": {"id": [1, 2], "word": ["a"]}}')),
        Fault(Reply(b'{"data": {"id": [1, 2], "word": "a"}}')),
    ]
    assert listed.one().problem == "things (/things): 'data' of the answer has 2 values of id and 1 of word"
    assert "is not an object with a list for each column" in str(listed.one().problem)


HOLIDAYS = {
    "api": "holidays",
    "path": PATH,
    "answer": "csv",
    "encoding": "cp932",
    "formats": "%Y/%-m/%-d",
}
HOLIDAY_FILES = {
    "names": ["holidays/h_{yyyymmdd}.parquet"],
    "delivery": "snapshot",
    "format": "parquet",
    "key": ["day"],
}
HOLIDAY_COLUMNS = {
    "day": {"type": "date", "header": "国民の祝日・休日月日", "required": True},
    "name": {"type": "text", "header": "国民の祝日・休日名称", "required": True},
}


@pytest.fixture
def holidays(listed: ExtractedApi) -> ExtractedApi:
    listed.sources = (source_of(HOLIDAYS, HOLIDAY_FILES, HOLIDAY_COLUMNS),)
    return listed


def test_csv_in_shift_jis(holidays: ExtractedApi) -> None:
    done = holidays.one()
    assert (done.problem, done.path) == (None, "holidays/h_20240310.parquet")
    assert {tuple(row.values()) for row in holidays.rows(str(done.path))} == set(published().items())
    rows = holidays.load().rows("select day, name from raw.asked order by day")
    assert [tuple(row.values()) for row in rows] == sorted(published().items())


def test_a_list_that_did_not_change_is_no_delivery(holidays: ExtractedApi) -> None:
    holidays.extract()
    holidays.days_pass(1)
    assert holidays.one().path is None
    service = holidays.server.services["holidays"]
    assert isinstance(service, HolidayService)
    service.holidays = {**service.holidays, date(2025, 6, 9): "休日"}
    assert holidays.one().path == "holidays/h_20240311.parquet"
    (old,) = holidays.extract(date(2024, 3, 1))
    assert (old.path, old.problem) == (None, None)  # of what is so now there is no past


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the answer is empty"),
        ("a,a\r\n", "the answer names a column twice: a, a"),
        (
            "国民の祝日・休日月日,国民の祝日・休日名称\r\n2024/1/1\r\n",
            "line 2 of the answer has 1 values for 2 columns",
        ),
    ],
)
def test_csv_that_is_none_is_a_problem(holidays: ExtractedApi, content: str, problem: str) -> None:
    holidays.server.faults.append(Fault(Reply(content.encode("cp932"))))
    assert problem in str(holidays.one().problem)


def test_an_empty_value_of_csv_is_none_and_true_is_a_boolean(holidays: ExtractedApi) -> None:
    columns = {"day": {"type": "date", "required": True}, "a": {"type": "boolean"}, "b": {"type": "decimal(3,1)"}}
    holidays.sources = (source_of(HOLIDAYS, HOLIDAY_FILES, columns),)
    holidays.server.faults.append(Fault(Reply(b'day,a,b\n2024/1/1,true,\n2024-01-02,,"1.5"\n')))
    path = str(holidays.one().path)
    assert [tuple(row.values()) for row in holidays.rows(path)] == [
        (date(2024, 1, 1), True, None),
        (date(2024, 1, 2), None, Decimal("1.5")),
    ]
