"""The forms in which values and lines come, as a contract can say them: each file is read by both readers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from vending_platform.catalog import Source
from vending_platform.ingestion.reading import FileProblem, content_of, prepare, read_together
from vending_platform.ingestion.validation import FileFacts, Validated, Validator, validation_engine


def contract(columns: dict[str, dict[str, Any]], **files: Any) -> Source:
    return Source.model_validate(
        {
            "name": "anything",
            "schema_name": "raw",
            "declared_in": "here",
            "files": {"names": "any_{any}.csv", "delivery": "append", "key": "id"} | files,
            "columns": [{"name": "id", "type": "text", "required": True}]
            + [{"name": name, **said} for name, said in columns.items()],
        }
    )


def validated(source: Source, text: str) -> Validated:
    readable = prepare(source, content_of(text.encode()), 0)
    tables, problems = read_together(source, {0: readable})
    assert problems == {}
    with validation_engine() as engine:
        (rows,) = [table for table in tables if table.num_rows]
        return Validator(source, engine).validate(rows, [FileFacts("f", None, None)])


def accepted(source: Source, *values: str) -> list[Any]:
    """What becomes of values in the second column; the reason where one is rejected. Quotes have the careful reader
    read the very same, so both readers are asked."""
    found = []
    for mark in ("", source.files.quote):
        lines = (f"{n}{source.files.delimiter}{mark}{value}{mark}\n" for n, value in enumerate(values))
        result = validated(source, source.plain_header.decode() + "\n" + "".join(lines))
        name = source.columns[1].name
        by_line = {row["_line"]: row[name] for row in result.accepted.to_pylist()}
        by_line |= {row["_line"]: row["reason"] for row in result.rejected.to_pylist()}
        found.append([by_line[line] for line in sorted(by_line)])
    assert found[0] == found[1], "both readers give the same"
    return found[0]


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("%d-%b-%y", ["05-Mar-24", "05-MAR-24"]),
        ("%-d %B %Y", ["5 March 2024", "05 march 2024"]),
        ("%a %d.%m.%y", ["Tue 05.03.24", "TUE 05.03.24"]),
        ("%A %Y%m%d", ["Tuesday 20240305"]),
    ],
)
def test_dates_with_names_of_months_and_days(form: str, texts: list[str]) -> None:
    source = contract({"day": {"type": "date", "formats": form}})
    assert accepted(source, *texts) == [date(2024, 3, 5)] * len(texts)


def test_a_two_digit_year_is_within_the_hundred_years_from_1969() -> None:
    source = contract({"day": {"type": "date", "formats": "%y%m%d"}})
    assert accepted(source, "690101", "681231") == [date(1969, 1, 1), date(2068, 12, 31)]


def test_a_day_of_the_week_that_is_another_one_is_no_date() -> None:
    source = contract({"day": {"type": "date", "formats": "%a %Y-%m-%d"}})
    assert accepted(source, "Mon 2024-03-05", "Tue 2024-02-30") == [
        "day 'Mon 2024-03-05' is not a valid date of the form %a %Y-%m-%d",
        "day 'Tue 2024-02-30' is not a valid date of the form %a %Y-%m-%d",
    ]


def test_the_day_of_the_week_is_of_where_the_clock_stands() -> None:
    source = contract({"at": {"type": "timestamp", "formats": "%a %Y-%m-%d %H:%M %z"}})
    assert accepted(source, "Mon 2024-03-04 23:30 -0500") == [datetime(2024, 3, 5, 13, 30)]
    assert "is not a valid timestamp" in accepted(source, "Tue 2024-03-04 23:30 -0500")[0]


def test_halves_of_the_day_and_parts_of_a_second() -> None:
    source = contract({"at": {"type": "timestamp", "formats": ["%y-%m-%d %I:%M %p", "%y-%m-%d %H:%M:%S.%f"]}})
    assert accepted(source, "24-03-05 01:30 pm", "24-03-05 12:00 AM", "24-03-05 09:05:01.5") == [
        datetime(2024, 3, 5, 13, 30),
        datetime(2024, 3, 5),
        datetime(2024, 3, 5, 9, 5, 1, 500_000),
    ]


def test_negative_amounts_in_their_forms() -> None:
    signs: dict[str, Any] = {"currency_signs": ["$", "USD"], "thousands_mark": ","}
    texts = ["-$1.00", "$-1.00", "-1.00 USD", "(1.00)", "($1.00)", "$(1.00)"]
    amount = {"amount": {"type": "decimal(9,2)"}}
    both = contract(amount, delimiter=";", negative_in_parentheses=True, **signs)
    assert accepted(both, *texts) == [Decimal("-1.00")] * 6
    assert accepted(both, "(1,234.50)") == [Decimal("-1234.50")]
    for wrong in ("(-1.00)", "-(1.00)", "(1.00", "1.00)", "()", "((1.00))", "1(00)", "$-$1.00"):
        assert "is not a valid number" in accepted(both, wrong)[0], wrong
    assert "is not a valid number" in accepted(contract(amount, delimiter=";", **signs), "(1.00)")[0], (
        "only if the contract says"
    )
    whole = contract({"amount": {"type": "integer"}}, negative_in_parentheses=True)
    assert accepted(whole, "(12)", "12") == [-12, 12]


def test_blanks_around_a_value_are_taken_off_if_the_contract_says_so() -> None:
    columns: dict[str, Any] = {"n": {"type": "integer"}}
    assert accepted(contract(columns, trim=True), " 7", "7  ", "\t7", "\u30007\u3000", "  ") == [7, 7, 7, 7, None]
    assert "is not a whole number" in accepted(contract(columns), " 7")[0]
    words = contract({"word": {"type": "text", "required": True, "values": ["hot"]}}, trim=True)
    assert accepted(words, " hot ", "   ", "h ot") == ["hot", "word is empty", "word 'h ot' is none of: hot"]


def test_a_tab_can_separate_columns() -> None:
    assert accepted(contract({"n": {"type": "integer"}}, delimiter="tab"), "1", "2") == [1, 2]


def test_a_text_can_give_the_business_day() -> None:
    source = contract({"day": {"type": "text", "required": True, "formats": ["%Y%m%d", "%d-%b-%y"]}}, day_column="day")
    result = validated(source, "id,day\na,20240305\nb,06-Mar-24\nc,20240230\n")
    assert [(row["day"], row["_business_date"]) for row in result.accepted.to_pylist()] == [
        ("20240305", date(2024, 3, 5)),
        ("06-Mar-24", date(2024, 3, 6)),
    ], "the text stays as it was delivered"
    assert [row["reason"] for row in result.rejected.to_pylist()] == [
        "day '20240230' is not a valid date of the form %Y%m%d or %d-%b-%y"
    ]


def test_a_text_day_is_held_against_the_day_of_a_daily_file() -> None:
    source = contract(
        {"day": {"type": "text", "required": True, "formats": "%Y%m%d"}},
        names="any_{yyyymmdd}.csv",
        delivery="daily",
        day_column="day",
    )
    rows, _ = read_together(source, {0: prepare(source, content_of(b"id,day\na,20240305\nb,20240306\n"), 0)})
    with validation_engine() as engine:
        result = Validator(source, engine).validate(rows[0], [FileFacts("f", None, date(2024, 3, 5))])
    assert result.accepted["id"].to_pylist() == ["a"]
    assert result.rejected["reason"].to_pylist() == ["day '20240306' is outside the file's day 2024-03-05"]


@pytest.mark.parametrize(("separator", "word"), [(";", "';'"), ("\t", "tab"), ("|", "'|'")])
def test_a_header_that_looks_like_another_delimiters_is_refused_with_a_hint(separator: str, word: str) -> None:
    source = contract({"n": {"type": "integer", "required": True}})
    with pytest.raises(FileProblem) as caught:
        prepare(source, content_of(f"id{separator}n\na{separator}1\n".encode()), 0)
    assert f"would have them if {word} separated its columns (`delimiter: {word}` in the contract)" in str(caught.value)


def test_a_header_that_just_lacks_a_column_gets_no_hint() -> None:
    source = contract({"n": {"type": "integer", "required": True}})
    with pytest.raises(FileProblem, match=r"^its header lacks 'n'; it has: id, other$"):
        prepare(source, content_of(b"id,other\na,1\n"), 0)


@pytest.mark.parametrize("text", ["id\na\n\nb\n", 'id\n"a"\n\nb\n', "id\r\na\r\n\r\nb\r\n", "\nid\na\n\nb\n"])
def test_an_empty_line_of_a_file_of_one_column_is_a_row_without_a_value(text: str) -> None:
    result = validated(contract({}), text)
    assert result.accepted["id"].to_pylist() == ["a", "b"]
    (rejected,) = result.rejected.to_pylist()
    line = 4 if text.startswith("\n") else 3
    assert (rejected["_line"], rejected["reason"]) == (line, "id is empty")


def test_a_quote_inside_a_field_rejects_its_row_alone() -> None:
    source = contract({"size": {"type": "text"}})
    result = validated(source, 'id,size\na,19" rack\nb,"19"" rack"\nc,x\n')
    assert result.accepted["id"].to_pylist() == ["b", "c"]
    assert result.rejected.to_pylist()[0]["reason"] == "field 2 has a quote inside and is not quoted as a whole"
