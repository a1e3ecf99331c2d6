"""What a file's name says, and which ways to name files are impossible."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import Grain
from vending_platform.catalog.names import NameParts, parse_name_pattern

SALES = parse_name_pattern("sales_{machine}_{yyyymmdd}.csv", "machine")

machines = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]*", fullmatch=True)
days = st.dates(min_value=date(1900, 1, 1))
templates = st.sampled_from(
    [
        "sales_{machine}_{yyyymmdd}.csv",
        "sales_{machine}_{yyyy-mm-dd}.csv",
        "{yyyymmdd}{machine}",
        "{machine}{yyyymmdd}.csv",
        "{machine}-{yyyy-mm-dd}.csv",
        "{yyyy-mm-dd}-{machine}.tsv",
        "売上(1)+{machine}.{yyyymmdd}$",
        "{any}_{machine}_{yyyymmdd}_{any}.csv",
    ]
)


@given(template=templates, machine=machines, day=days)
def test_any_machine_and_day_written_into_a_template_are_read_back(template: str, machine: str, day: date) -> None:
    name = (
        template.replace("{machine}", machine)
        .replace("{yyyymmdd}", day.isoformat().replace("-", ""))
        .replace("{yyyy-mm-dd}", day.isoformat())
        .replace("{any}", "any thing")
    )
    assert parse_name_pattern(template, "machine").match(name) == NameParts(machine, day)


@given(templates)
def test_the_example_of_a_pattern_is_a_name_it_takes(template: str) -> None:
    pattern = parse_name_pattern(template, "machine")
    assert pattern.match(pattern.example) == NameParts("A001", date(2024, 3, 15))


@pytest.mark.parametrize(
    ("template", "name", "parts"),
    [
        ("products.csv", "products.csv", NameParts(None, None)),
        ("products_{yyyymmdd}.csv", "products_20240229.csv", NameParts(None, date(2024, 2, 29))),
        ("prices_{any}.csv", "prices_of_the-week.csv", NameParts(None, None)),
        ("{any}_{any}.csv", "a_b.csv", NameParts(None, None)),
        ("meter_{machine}.csv", "meter_VM-1.csv", NameParts("VM-1", None)),
    ],
)
def test_a_name_says_only_what_its_pattern_asks_for(template: str, name: str, parts: NameParts) -> None:
    pattern = parse_name_pattern(template, "machine")
    assert pattern.match(name) == parts
    assert pattern.has_sender == ("{machine}" in template)
    assert (pattern.grain is Grain.DAY) == ("{yyyy" in template)


@pytest.mark.parametrize(
    "name",
    [
        "sales_VM001_20240305.csv.gz",
        "xsales_VM001_20240305.csv",
        "SALES_VM001_20240305.csv",
        "sales_VM001_20240305xcsv",
        "sales_VM001_20240305.csv\n",
        "sales_VM001_2024035.csv",
        "sales_VM001_202403055.csv",
        "sales__20240305.csv",
        "sales_-VM_20240305.csv",
        "sales_VM_001_20240305.csv",
        "sales_ＶＭ１_20240305.csv",
        "sales_VM001_２０２４０３０５.csv",
    ],
)
def test_a_name_that_is_nearly_right_is_another_name(name: str) -> None:
    assert SALES.match(name) is None


@pytest.mark.parametrize("day", ["20240230", "20241301", "20240300", "00000101"])
def test_a_day_that_the_calendar_lacks_is_told_not_guessed(day: str) -> None:
    with pytest.raises(ValueError, match=f"^{day} in the name is not a valid date$"):
        SALES.match(f"sales_VM001_{day}.csv")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("", "can't be empty"),
        ("sales_{maschine}.csv", r"unknown part \{maschine\}.*\{machine\}, \{yyyymmdd\}, .*\{yyyymm\}, .*\{any\}"),
        ("sales_{}.csv", r"unknown part \{\}"),
        ("sales_{machine.csv", r"lone \{"),
        ("sales_machine}.csv", r"lone \}"),
        ("{{machine}}.csv", r"lone \{"),
        ("/sales/{machine}.csv", "is not a path within the raw place"),
        ("sales//{machine}.csv", "is not a path within the raw place"),
        ("../sales_{machine}.csv", "is not a path within the raw place"),
        ("sales/", "is not a path within the raw place"),
    ],
)
def test_an_impossible_pattern_is_refused_with_the_reason(template: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_name_pattern(template, "machine")


CASES = parse_name_pattern("raw/yyyymm={yyyymm}/{hospital}/FF1_{hospital}_{yymm}.txt", "hospital")


def test_a_path_gives_sender_and_month_and_each_may_stand_in_it_twice() -> None:
    assert (CASES.has_folders, CASES.has_sender, CASES.grain) == (True, True, Grain.MONTH)
    assert CASES.match("raw/yyyymm=202403/H12/FF1_H12_2403.txt") == NameParts("H12", date(2024, 3, 1))
    assert CASES.match(CASES.example) == NameParts("A001", date(2024, 3, 1))
    for other in (
        "FF1_H12_2403.txt",
        "raw/yyyymm=202403/H12/x/FF1_H12_2403.txt",
        "raw/yyyymm=2403/H12/FF1_H12_2403.txt",
    ):
        assert CASES.match(other) is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/yyyymm=202403/H12/FF1_H13_2403.txt", "^it names two senders, H12 and H13$"),
        ("raw/yyyymm=202403/H12/FF1_H12_2404.txt", "^it names two times that do not agree, 2024-03-01 and 2404$"),
        ("raw/yyyymm=202413/H12/FF1_H12_2403.txt", "^202413 in the name is not a valid month$"),
        ("raw/yyyymm=000000/H12/FF1_H12_2403.txt", "^000000 in the name is not a valid month$"),
    ],
)
def test_a_path_that_contradicts_itself_is_told_not_guessed(path: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        CASES.match(path)


@pytest.mark.parametrize(
    ("template", "name", "day"),
    [
        ("{yyyymm}/x_{yyyymmdd}.csv", "202403/x_20240305.csv", date(2024, 3, 5)),
        ("{yyyymmdd}/x_{yyyymm}.csv", "20240305/x_202403.csv", date(2024, 3, 5)),
        ("{yyyy-mm-dd}/x_{yyyymmdd}.csv", "2024-03-05/x_20240305.csv", date(2024, 3, 5)),
        ("{yyyy-mm}/x_{yymm}.csv", "1999-12/x_9912.csv", date(1999, 12, 1)),
        ("{yymm}.csv", "6812.csv", date(2068, 12, 1)),
    ],
)
def test_days_and_months_in_a_path_agree(template: str, name: str, day: date) -> None:
    assert parse_name_pattern(template).match(name) == NameParts(None, day)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{yyyymm}/x_{yyyymmdd}.csv", "202404/x_20240305.csv"),
        ("{yyyymmdd}/x_{yyyymm}.csv", "20240305/x_202404.csv"),
        ("{yyyymmdd}/x_{yyyymmdd}.csv", "20240305/x_20240306.csv"),
        ("{yyyy-mm-dd}/{yyyymm}/{yyyymmdd}", "2024-03-05/202403/20240306"),
    ],
)
def test_days_and_months_that_do_not_agree_are_told(template: str, name: str) -> None:
    with pytest.raises(ValueError, match="do not agree"):
        parse_name_pattern(template).match(name)


def test_a_name_that_can_be_cut_in_two_ways_is_cut_so_that_it_agrees() -> None:
    assert parse_name_pattern("{m}-{m}", "m").match("A-B-A-B") == NameParts("A-B", None)
