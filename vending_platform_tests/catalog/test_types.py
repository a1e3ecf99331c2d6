"""The types that a contract may name, and the form of dates and times."""

import re
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog.types import LogicalType, format_pattern, parse_type


@pytest.mark.parametrize(
    ("text", "arrow"),
    [
        ("text", pa.string()),
        ("integer", pa.int64()),
        ("decimal(9,6)", pa.decimal128(9, 6)),
        ("decimal(38,0)", pa.decimal128(38, 0)),
        ("decimal(1,1)", pa.decimal128(1, 1)),
        ("boolean", pa.bool_()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("us")),
    ],
)
def test_a_type_is_written_as_it_is_read_and_has_one_arrow_type(text: str, arrow: pa.DataType) -> None:
    assert str(parse_type(text)) == text
    assert parse_type(text).arrow == arrow


def test_a_blank_after_the_comma_of_a_decimal_means_nothing() -> None:
    assert parse_type("decimal(9, 6)") == LogicalType("decimal", 9, 6)


@pytest.mark.parametrize("text", ["", "string", "int", "TEXT", "decimal", "decimal(9)", "decimal(9,6", "text "])
def test_an_unknown_type_is_refused_with_those_that_exist(text: str) -> None:
    allowed = "allowed: text, integer, decimal(precision,scale), boolean, date, timestamp"
    with pytest.raises(ValueError, match=re.escape(f"unknown type {text!r}; {allowed}")):
        parse_type(text)


@pytest.mark.parametrize("text", ["decimal(0,0)", "decimal(39,0)", "decimal(5,6)"])
def test_a_decimal_that_no_warehouse_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="precision goes from 1 to 38, scale from 0 to precision"):
        parse_type(text)


FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S.%f%z"]


@given(moment=st.datetimes(datetime(1900, 1, 1)), form=st.sampled_from(FORMATS))
def test_every_moment_written_in_a_format_has_the_form_of_it(moment: datetime, form: str) -> None:
    text = moment.strftime(form.replace("%z", "+0900"))
    assert re.fullmatch(format_pattern("timestamp", form), text)


@pytest.mark.parametrize(
    ("kind", "form", "texts", "others"),
    [
        (
            "date",
            "%Y-%m-%d",
            ["2024-03-05"],
            ["2024-3-5", "2024-03-05 00:00", "24-03-05", "2024/03/05", "２０２４-03-05"],
        ),
        ("date", "%Y年%-m月%-d日", ["2024年3月5日", "2024年12月31日"], ["2024年003月5日", "2024-3-5"]),
        ("date", "%d.%m.%Y", ["05.03.2024"], ["05x03x2024"]),
        ("timestamp", "%Y%m%d %-H:%M", ["20240305 9:05", "20240305 19:05"], ["20240305 9:5"]),
        ("timestamp", "%Y-%m-%d %I:%M %p", ["2024-03-05 09:05 PM", "2024-03-05 09:05 pm"], ["2024-03-05 09:05"]),
        (
            "timestamp",
            "%y/%m/%d %H:%M:%S.%f",
            ["24/03/05 09:05:01.1", "24/03/05 09:05:01.123456"],
            ["24/3/5 09:05:01."],
        ),
        ("date", "%d-%b-%y", ["05-Mar-24", "05-MAR-24"], ["05-March-24", "05-Mär-24", "05-03-24", "05-Mar-2024"]),
        ("date", "%A, %-d %B %Y", ["Tuesday, 5 March 2024", "TUESDAY, 5 MARCH 2024"], ["Tue, 5 March 2024"]),
        ("date", "%a %-d.%m.%Y", ["Tue 5.03.2024"], ["Die 5.03.2024", "5.03.2024"]),
        ("timestamp", "%Y-%m-%d %H:%M:%S.%g", ["2024-03-05 09:05:01.123"], ["2024-03-05 09:05:01.123456"]),
        ("timestamp", "%Y-%m-%dT%H:%M%z", ["2024-03-05T09:05+09:00", "2024-03-05T09:05-0330"], ["2024-03-05T09:05Z"]),
    ],
)
def test_a_format_takes_its_own_texts_and_no_others(kind: str, form: str, texts: list[str], others: list[str]) -> None:
    pattern = format_pattern(kind, form)
    assert [text for text in texts if not re.fullmatch(pattern, text)] == []
    assert [text for text in others if re.fullmatch(pattern, text)] == []


@pytest.mark.parametrize(
    ("kind", "form", "told"),
    [
        ("date", "%j %Y", "'%j' in format .* unknown for a date; allowed: %Y, %y, %m, %-m, %b, %B, %d, %-d, %a, %A$"),
        ("date", "%a %d", "does not give year, month and day"),
        ("timestamp", "%z %a %Y-%m-%d %H:%M", "then the offset must come last"),
        ("date", "%Y-%m-%d %H:%M", "'%H' in format .* unknown for a date"),
        ("timestamp", "%Y-%m-%d %H:%M %Z", "'%Z' in format .* unknown for a timestamp; allowed: .*%z"),
        ("timestamp", "%Y-%m-%d %H:%M%", "'%' in format"),
        ("timestamp", "%Y-%m-%d %H:%M%-", "'%-' in format"),
        ("date", "%Y-%m", "does not give year, month and day"),
        ("date", "", "does not give year, month and day"),
        ("timestamp", "%Y-%m-%d", "does not give hour and minute"),
        ("timestamp", "%Y-%m-%d %I:%M", "does not give hour and minute"),
    ],
)
def test_a_format_that_can_give_no_value_is_refused(kind: str, form: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        format_pattern(kind, form)
