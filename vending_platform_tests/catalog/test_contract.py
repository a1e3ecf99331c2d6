"""What a contract may say: every wrong one is refused with its place and what is allowed instead."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from vending_platform.catalog import (
    Catalog,
    ContractError,
    DeliveryMode,
    Encoding,
    NameParts,
    Source,
    Undeclared,
    catalog_of,
)

FILE = "models/staging/shop/_shop__sources.yml"
MISSING = "left out"
"""In place of a value: the key is left out."""

SALES: dict[str, Any] = {
    "files": {
        "names": ["sales_{machine}_{yyyymmdd}.csv"],
        "delivery": "daily",
        "key": ["sale_id"],
        "sender": {
            "name": "machine",
            "column": "machine_id",
            "known_from": {"source": "machines", "column": "machine_id", "since": "since", "until": "until"},
        },
        "day_column": "sold_at",
    },
    "columns": {
        "sale_id": {"data_type": "text", "required": True},
        "machine_id": {"data_type": "text", "required": True},
        "sold_at": {"data_type": "timestamp", "required": True},
        "quantity": {"data_type": "integer", "range": {"min": 1, "max": 9}},
        "price": {"data_type": "decimal(9,2)"},
        "is_hot": {"data_type": "boolean"},
        "note": {"data_type": "text"},
    },
}
MACHINES: dict[str, Any] = {
    "files": {"names": ["machines.csv"], "delivery": "snapshot", "key": ["machine_id"]},
    "columns": {
        "machine_id": {"data_type": "text", "required": True},
        "since": {"data_type": "date", "required": True},
        "until": {"data_type": "date"},
        "name": {"data_type": "text"},
    },
}


def manifest_of(**sources: dict[str, Any]) -> dict[str, Any]:
    """A dbt manifest with these sources, as small as `catalog_of` needs it."""
    return {
        "sources": {
            f"source.p.shop.{name}": {
                "unique_id": f"source.p.shop.{name}",
                "name": name,
                "identifier": said.get("identifier", name),
                "source_name": "shop",
                "schema": "raw",
                "original_file_path": said.get("file", FILE),
                "description": said.get("description", ""),
                "config": {"meta": {"files": said["files"]} if "files" in said else {}},
                "columns": {
                    column: {
                        "data_type": meta.get("data_type"),
                        "description": meta.get("description", ""),
                        "config": {"meta": {k: v for k, v in meta.items() if k not in ("data_type", "description")}},
                    }
                    for column, meta in said["columns"].items()
                },
            }
            for name, said in sources.items()
        }
    }


def but(said: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of `said` with each dotted path in `change` set to its value."""
    changed = deepcopy(said)
    for path, value in change.items():
        *outer, last = path.split(".")
        inside = changed
        for key in outer:
            inside = inside.setdefault(key, {})
        if value is MISSING:
            del inside[last]
        else:
            inside[last] = value
    return changed


def problems(*, machines: dict[str, Any] = MACHINES, **sources: dict[str, Any]) -> list[str]:
    with pytest.raises(ContractError) as caught:
        catalog_of(manifest_of(machines=machines, **sources))
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_a_contract_says_what_it_was_given_and_has_defaults_for_the_rest() -> None:
    sales = catalog_of(manifest_of(sales=SALES, machines=MACHINES)).source("sales")
    assert (sales.schema_name, sales.declared_in) == ("raw", FILE)
    assert sales.files.delivery is DeliveryMode.DAILY
    assert sales.files.encodings == (Encoding.UTF_8,)
    assert (sales.files.day_tolerance, sales.files.quarantine_for) == (timedelta(0), timedelta(days=400))
    assert sales.files.refuse_above == 0.5
    assert sales.column("sold_at").accepted_formats == ("%Y-%m-%d %H:%M:%S",)
    assert sales.column("note").text_in_header == "note"
    assert sales.match("sales_VM1_20240305.csv") == NameParts("VM1", date(2024, 3, 5))
    assert sales.match("machines.csv") is None


@pytest.mark.parametrize(
    ("written", "meant"), [("90m", timedelta(minutes=90)), ("2h", timedelta(hours=2)), ("400d", timedelta(days=400))]
)
def test_a_duration_is_a_number_and_a_unit(written: str, meant: timedelta) -> None:
    catalog = catalog_of(manifest_of(machines=but(MACHINES, {"files.archive_after": written})))
    assert catalog.source("machines").files.archive_after == meant


def test_a_bare_word_is_a_list_of_one_and_tab_is_a_delimiter() -> None:
    change = {
        "files.names": "sales_{machine}_{yyyymmdd}.csv",
        "files.key": "sale_id",
        "files.encodings": "cp932",
        "files.currency_signs": "¥",
        "files.delimiter": "tab",
        "columns.note.values": "hot",
        "columns.sold_at.formats": "%d-%b-%y %H:%M",
        "columns.is_hot.true_values": "J",
        "columns.is_hot.false_values": "N",
    }
    sales = catalog_of(manifest_of(sales=but(SALES, change), machines=MACHINES)).source("sales")
    assert (sales.files.names, sales.files.key) == (("sales_{machine}_{yyyymmdd}.csv",), ("sale_id",))
    assert (sales.files.encodings, sales.files.currency_signs) == ((Encoding.CP932,), ("¥",))
    assert sales.files.delimiter == "\t"
    assert sales.column("note").values == ("hot",)
    assert sales.column("sold_at").formats == ("%d-%b-%y %H:%M",)
    assert (sales.column("is_hot").true_values, sales.column("is_hot").false_values) == (("J",), ("N",))


@pytest.mark.parametrize(("written", "meant"), [("0%", 0), ("0.5%", 0.005), ("100%", 1)])
def test_a_share_is_a_percentage(written: str, meant: float) -> None:
    catalog = catalog_of(manifest_of(machines=but(MACHINES, {"files.refuse_above": written})))
    assert catalog.source("machines").files.refuse_above == meant


def test_a_source_without_files_is_somebody_elses() -> None:
    other = {"columns": {"Whatever": {"data_type": None}}}
    assert [source.name for source in catalog_of(manifest_of(other=other, machines=MACHINES))] == ["machines"]


FILE_KEYS = "allowed: archive_after, block_above, currency_signs, day_column, day_time_zone, day_tolerance"
COLUMN_KEYS = (
    "allowed: ambiguous_times, false_values, formats, header, path, pattern, personal, range, references, required, "
    "time_zone, true_values, values"
)
EXPECTED_KEYS = "allowed: column, since, source, until"

# What is changed in SALES, and what the message says after "<file>: source shop.sales: ".
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt file key": ({"files.delimeter": ";"}, f"unknown key 'delimeter'; {FILE_KEYS}"),
    "misspelt column key": ({"columns.note.valeus": ["a"]}, f"column note: unknown key 'valeus'; {COLUMN_KEYS}"),
    "misspelt range key": (
        {"columns.quantity.range": {"mni": 1}},
        "column quantity: unknown key 'range.mni'; allowed: max, min",
    ),
    "misspelt key of the senders": (
        {"files.sender.known_from.columm": "machine_id"},
        f"unknown key 'sender.known_from.columm'; {EXPECTED_KEYS}",
    ),
    "type among a column's meta": ({"columns.note.type": "integer"}, f"column note: unknown key 'type'; {COLUMN_KEYS}"),
    "name among a column's meta": ({"columns.note.name": "memo"}, f"column note: unknown key 'name'; {COLUMN_KEYS}"),
    "files are no mapping": ({"files": "sales.csv"}, "Input should be a valid dictionary"),
    "no names": ({"files.names": MISSING}, "names: Field required"),
    "no name among the names": ({"files.names": []}, "names: Tuple should have at least 1 item"),
    "no key": ({"files.key": []}, "key: Tuple should have at least 1 item"),
    "no columns": ({"columns": {}}, "columns: Tuple should have at least 1 item"),
    "no type": ({"columns.note.data_type": None}, "column note: type: data_type is missing"),
    "unknown type": (
        {"columns.note.data_type": "string"},
        "column note: type: unknown type 'string'; allowed: text, integer, decimal(precision,scale), boolean, date,",
    ),
    "impossible decimal": (
        {"columns.price.data_type": "decimal(2,3)"},
        "column price: type: 'decimal(2,3)' is impossible",
    ),
    "unknown part in a name": (
        {"files.names": ["sales_{maschine}_{yyyymmdd}.csv"]},
        "names: unknown part {maschine} in name pattern 'sales_{maschine}_{yyyymmdd}.csv'; allowed: {machine}, {yyyy",
    ),
    "folder beyond the raw place": ({"files.names": ["../{machine}_{yyyymmdd}.csv"]}, "names: name pattern"),
    "impossible name of a sender": ({"files.sender.name": "yyyymm"}, "sender.name: 'yyyymm' can't be a sender's name"),
    "monthly without a month": (
        {"files.delivery": "monthly", "files.names": ["sales_{machine}.csv"]},
        "delivery 'monthly' needs the month in the name, and 'sales_{machine}.csv' has none",
    ),
    "monthly with a day": (
        {"files.delivery": "monthly"},
        "delivery 'monthly' needs the month in the name, and 'sales_{machine}_{yyyymmdd}.csv' names a day",
    ),
    "daily with a month": (
        {"files.names": ["sales_{machine}_{yyyymm}.csv"]},
        "delivery 'daily' needs the day in the name, and 'sales_{machine}_{yyyymm}.csv' has none",
    ),
    "grain against delivery": ({"files.grain": "month"}, "grain 'month' contradicts delivery 'daily'"),
    "unknown grain": ({"files.grain": "week"}, "grain: Input should be 'day' or 'month'"),
    "unknown format": ({"files.format": "xml"}, "format: Input should be 'csv', 'parquet' or 'jsonl'"),
    "delimiter of Parquet": (
        {"files.format": "parquet", "files.delimiter": ";"},
        "delimiter means nothing for format 'parquet'",
    ),
    "line end of Parquet": (
        {"files.format": "parquet", "files.final_newline": "optional"},
        "final_newline means nothing for format 'parquet'",
    ),
    "encodings of JSON": (
        {"files.format": "jsonl", "files.encodings": "cp932"},
        "encodings means nothing for format 'jsonl'",
    ),
    "formats of Parquet": (
        {"files.format": "parquet", "columns.sold_at.formats": ["%Y%m%d %H%M"]},
        "column sold_at: 'formats' means nothing for format 'parquet'",
    ),
    "path in a CSV": (
        {"columns.note.path": "$.note"},
        "column note: 'path' means nothing for format 'csv', only for: parquet, jsonl",
    ),
    "path that is none": (
        {"files.format": "jsonl", "columns.note.path": "note[0]"},
        "column note: path: 'note[0]' is not a path; write $ and a name for each level, such as $.customer.id",
    ),
    "column within another": (
        {"files.format": "jsonl", "columns.note.path": "$.price.note"},
        "column note is in price, which is column price",
    ),
    "unknown delivery": (
        {"files.delivery": "weekly"},
        "delivery: Input should be 'daily', 'monthly', 'snapshot' or 'append'",
    ),
    "unknown encoding": ({"files.encodings": ["latin-1"]}, "encodings.0: Input should be 'utf-8' or 'cp932'"),
    "no encoding": ({"files.encodings": []}, "encodings: Tuple should have at least 1 item"),
    "unknown wish for columns": (
        {"files.unknown_columns": "drop"},
        "unknown_columns: Input should be 'keep' or 'refuse'",
    ),
    "negative min_rows": ({"files.min_rows": -1}, "min_rows: Input should be greater than or equal to 0"),
    "duration without unit": (
        {"files.day_tolerance": 2},
        "day_tolerance: 2 is not a duration; write a number and m, h or d",
    ),
    "duration in weeks": ({"files.archive_after": "2w"}, "archive_after: '2w' is not a duration"),
    "share as a number": (
        {"files.refuse_above": 0.5},
        "refuse_above: 0.5 is not a share; write a percentage from 0% to 100%",
    ),
    "share above all": ({"files.refuse_above": "101%"}, "refuse_above: '101%' is not a share"),
    "long delimiter": (
        {"files.delimiter": ";;"},
        "delimiter: ';;' is not one character; write a single one, such as ';', or the word",
    ),
    "key is not a column": (
        {"files.key": ["sale_no"]},
        "key names 'sale_no', which is not a column; columns: sale_id, machine_id, sold_at",
    ),
    "key may be empty": ({"files.key": ["note"]}, "key names 'note', so that column must be required"),
    "sender column is not a column": (
        {"files.sender.column": "vm"},
        "sender.column names 'vm', which is not a column",
    ),
    "sender column may be empty": (
        {"files.sender.column": "note"},
        "sender.column names 'note', so that column must be",
    ),
    "day_column is not a column": ({"files.day_column": "day"}, "day_column names 'day', which is not a column"),
    "day_column is not a time": (
        {"files.day_column": "sale_id"},
        "day_column 'sale_id' must be a date or a timestamp, or a text with 'formats' that say how a day is read from",
    ),
    "header used twice": ({"columns.note.header": "quantity"}, "header 'quantity' belongs to two columns"),
    "name that SQL can't take": (
        {"columns.Note": {"data_type": "text"}},
        "column Note: 'Note' can't be a column's name",
    ),
    "values of an integer": (
        {"columns.quantity.values": ["1"]},
        "column quantity: 'values' means nothing for type integer, only for: text",
    ),
    "values that YAML took for booleans": (
        {"columns.note.values": [True]},
        "column note: values.0: Input should be a valid string",
    ),
    "pattern of a date": (
        {"columns.sold_at.pattern": "2.*"},
        "column sold_at: 'pattern' means nothing for type timestamp",
    ),
    "range of a text": (
        {"columns.note.range": {"min": 1}},
        "column note: 'range' means nothing for type text, only for: integer, decimal",
    ),
    "range upside down": ({"columns.quantity.range": {"min": 9, "max": 1}}, "column quantity: range"),
    "range of words": (
        {"columns.quantity.range": {"min": "few"}},
        "column quantity: range.min: Input should be a valid decimal",
    ),
    "formats of a text": (
        {"columns.note.formats": ["%Y-%m-%d"]},
        "column note: 'formats' means nothing for type text, only for: date, timestamp, and for a text that is",
    ),
    "formats of a text with a time": (
        {"columns.note.formats": ["%Y-%m-%d %H:%M"], "files.day_column": "note"},
        "column note: '%H' in format '%Y-%m-%d %H:%M' is unknown for a date",
    ),
    "time zone of a text": (
        {"columns.note.time_zone": "Asia/Tokyo"},
        "column note: 'time_zone' means nothing for type text",
    ),
    "true values of a text": (
        {"columns.note.true_values": ["yes"]},
        "column note: 'true_values' means nothing for type text",
    ),
    "false values of a text": (
        {"columns.note.false_values": ["no"]},
        "column note: 'false_values' means nothing for type text",
    ),
    "true and false at once": (
        {"columns.is_hot.true_values": ["1", "x"], "columns.is_hot.false_values": ["0", "x"]},
        "column is_hot: ",
    ),
    "unknown format directive": (
        {"columns.sold_at.formats": ["%Y-%m-%d %R"]},
        "column sold_at: '%R' in format '%Y-%m-%d %R' is unknown for a timestamp; allowed: %Y, %y, %m",
    ),
    "format without the day": (
        {"columns.sold_at.formats": ["%Y-%m %H:%M"]},
        "column sold_at: format '%Y-%m %H:%M' does not give",
    ),
    "bad regular expression": (
        {"columns.note.pattern": "[a-z"},
        "column note: pattern: pattern '[a-z' can't be used: ",
    ),
    "regular expression of another engine": (
        {"columns.note.pattern": "(?=a)b"},
        "column note: pattern: pattern '(?=a)b' can't",
    ),
    "unknown time zone": (
        {"columns.sold_at.time_zone": "Asia/Tokio"},
        "column sold_at: time_zone: 'Asia/Tokio' is not a time zone; write a name such as Asia/Tokyo",
    ),
    "time zone that leaves its folder": (
        {"columns.sold_at.time_zone": "../etc"},
        "column sold_at: time_zone: '../etc' is not a time zone",
    ),
    "daily without a day": (
        {"files.names": ["sales_{machine}.csv"]},
        "delivery 'daily' needs the day in the name, and 'sales_{machine}.csv' has none",
    ),
    "append with a day": ({"files.delivery": "append"}, "delivery 'append' has no day in the name"),
    "snapshot of one machine": ({"files.delivery": "snapshot"}, "delivery 'snapshot' is one file for all, and"),
    "sender column without a machine": (
        {"files.names": ["sales_{yyyymmdd}.csv"]},
        "sender.column needs {machine} in the name, and 'sales_{yyyymmdd}.csv' has none",
    ),
    "snapshot with a day_column": (
        {"files.delivery": "snapshot", "files.names": ["sales.csv"], "files.sender": None},
        "day_column means nothing for delivery 'snapshot'",
    ),
    "tolerance of nothing": (
        {"files.day_column": MISSING, "files.day_tolerance": "2h"},
        "day_tolerance means something only for delivery 'daily' or 'monthly' with a day_column",
    ),
    "delimiter is the quote": ({"files.delimiter": '"'}, "delimiter and quote must differ"),
    "delimiter ends the line": ({"files.delimiter": "\n"}, "delimiter and quote must differ"),
    "two marks in one": ({"files.thousands_mark": "."}, "decimal_mark and thousands_mark can't both be '.'"),
}


@pytest.mark.parametrize(("change", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_contract_is_refused_with_its_place_and_what_is_allowed(change: dict[str, Any], told: str) -> None:
    assert f"{FILE}: source shop.sales: {told}" in "\n".join(problems(sales=but(SALES, change)))


# What is changed in SALES, and what the message says after "<file>: source sales: ".
WRONG_TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "nobody to be expected": (
        {"files.sender.known_from.source": "fleet"},
        "sender.known_from: no source is called 'fleet'; there are: machines, sales",
    ),
    "no such machine column": (
        {"files.sender.known_from.column": "vm"},
        "sender.known_from: machines has no column 'vm'; it has: machine_id, since, until, name",
    ),
    "no such first day": (
        {"files.sender.known_from.since": "from"},
        "sender.known_from: machines has no column 'from'",
    ),
    "no such last day": ({"files.sender.known_from.until": "to"}, "sender.known_from: machines has no column 'to'"),
    "first day that is no day": ({"files.sender.known_from.since": "name"}, "sender.known_from: "),
    "expected without a machine": (
        {"files.names": ["sales_{yyyymmdd}.csv"], "files.sender.column": MISSING},
        "sender.known_from: only a source with the sender and a day or a month in its names can be expected",
    ),
    "names of another source": (
        {"files.names": ["sales_{machine}_{yyyymmdd}.csv", "s_{machine}_{yyyymmdd}.csv"]},
        "name pattern 's_{machine}_{yyyymmdd}.csv' also takes files of source shipments",
    ),
}


@pytest.mark.parametrize(("change", "told"), WRONG_TOGETHER.values(), ids=WRONG_TOGETHER)
def test_contracts_that_do_not_fit_together_are_refused(change: dict[str, Any], told: str) -> None:
    shipments = but(MACHINES, {"files.names": ["s_{any}.csv"]})
    assert f"{FILE}: source sales: {told}" in "\n".join(problems(sales=but(SALES, change), shipments=shipments))


def test_a_table_that_is_declared_twice_is_refused_with_both_places() -> None:
    again = but(MACHINES, {"identifier": "machines", "files.names": ["automata.csv"], "file": "other.yml"})
    assert problems(automata=again) == [f"{FILE}: source machines: the table is declared twice, also in other.yml"]


def test_names_that_give_another_source_an_impossible_day_are_refused_too() -> None:
    undated = but(MACHINES, {"files.names": ["list_20249999.csv"]})
    dated = but(MACHINES, {"files.names": ["list_{yyyymmdd}.csv"]})
    assert "also takes files of source" in "\n".join(problems(undated=undated, dated=dated))


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems(
        machines=but(MACHINES, {"columns.since.data_type": "day", "columns.name.valeus": []}),
        sales=but(SALES, {"files.delimeter": ";", "columns.note.data_type": "string"}),
    )
    assert [problem.split(":")[1:3] for problem in told[:4]] == [
        [" source shop.machines", " column since"],
        [" source shop.machines", " column name"],
        [" source shop.sales", " unknown key 'delimeter'; allowed"],
        [" source shop.sales", " column note"],
    ]


def test_a_broken_contract_is_not_said_to_be_missing_where_another_one_names_it() -> None:
    told = problems(machines=but(MACHINES, {"columns.name.data_type": "string"}), sales=SALES)
    assert told == [problem for problem in told if "shop.machines: column name" in problem]


def test_identify_looks_at_the_name_alone_and_says_why_nobody_takes_it() -> None:
    catalog = catalog_of(
        manifest_of(
            sales=SALES,
            machines=MACHINES,
            head=but(MACHINES, {"files.names": ["head_{any}.csv"]}),
            tail=but(MACHINES, {"files.names": ["{any}_tail.csv"]}),
        )
    )
    for path in ("machines.csv", "master-data/machines.csv", "a/b/c/machines.csv"):
        assert catalog.identify(path) == (catalog.source("machines"), NameParts(None, None))
    assert catalog.identify("machines.csv/else.txt") == Undeclared("no contract takes this name")
    assert catalog.identify("sales_VM1_20240230.csv") == Undeclared("20240230 in the name is not a valid date")
    assert catalog.identify("head_tail.csv") == Undeclared("more than one contract takes this name: head, tail")


def test_a_pattern_with_folders_is_about_the_path_and_one_without_about_the_name() -> None:
    by_path = but(MACHINES, {"files.names": ["a/{any}/machines.csv", "a/list.csv"]})
    elsewhere = but(MACHINES, {"files.names": ["b/machines.csv"]})
    catalog = catalog_of(
        manifest_of(sales=SALES, machines=but(MACHINES, {"files.names": ["m.csv"]}), one=by_path, two=elsewhere)
    )
    for path, source in {
        "a/x/machines.csv": "one",
        "b/machines.csv": "two",
        "a/list.csv": "one",
        "a/m.csv": "machines",
    }.items():
        found = catalog.identify(path)
        assert not isinstance(found, Undeclared)
        assert found[0].name == source
        assert found[0].match(path) == NameParts(None, None)
    for path in ("machines.csv", "x/a/x/machines.csv", "a/x/y/machines.csv", "list.csv"):
        assert catalog.identify(path) == Undeclared("no contract takes this name")


@pytest.mark.parametrize("names", [["a/machines.csv"], ["a/{any}.csv"], ["{any}/machines.csv"]], ids=str)
def test_a_name_and_a_path_that_could_be_of_one_file_are_refused(names: list[str]) -> None:
    told = "\n".join(problems(machines=MACHINES, others=but(MACHINES, {"files.names": names})))
    assert "also takes files of source" in told


def test_asking_for_an_unknown_source_names_those_that_exist() -> None:
    with pytest.raises(KeyError, match="no source is called 'fleet'; there are: machines, sales"):
        catalog_of(manifest_of(sales=SALES, machines=MACHINES)).source("fleet")


def reading_hash(change: dict[str, Any]) -> str:
    return catalog_of(manifest_of(sales=but(SALES, change), machines=MACHINES)).source("sales").reading_hash


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Better words."},
        {"columns.note.description": "Better words."},
        {"columns.note.personal": True},
        {"file": "moved.yml"},
        {"files.archive_after": "9d"},
        {"files.quarantine_for": "9d"},
        {"files.required": True},
        {"files.sender.known_from": MISSING},
        {"files.names": ["sales_{machine}_{yyyymmdd}.csv", "more_sales_{machine}_{yyyymmdd}.csv"]},
        {"files.delimiter": ","},
        {"files.trim": False},
        {"files.grain": "day"},
        {"files.format": "csv"},
    ],
    ids=str,
)
def test_what_changes_no_row_leaves_the_reading_hash_as_it_was(change: dict[str, Any]) -> None:
    assert reading_hash(change) == reading_hash({})


@pytest.mark.parametrize(
    "change",
    [
        {"files.delimiter": ";"},
        {"files.quote": "none"},
        {"files.encodings": ["utf-8", "cp932"]},
        {"files.decimal_mark": ","},
        {"files.thousands_mark": ","},
        {"files.currency_signs": ["¥"]},
        {"files.negative_in_parentheses": True},
        {"files.trim": True},
        {"files.final_newline": "optional"},
        {"files.unknown_columns": "refuse"},
        {"files.missing_columns": "refuse"},
        {"files.refuse_above": "10%"},
        {"files.min_rows": 1},
        {"files.sender.column": MISSING},
        {"files.day_column": MISSING},
        {"files.day_tolerance": "2h"},
        {"columns.note.data_type": "integer"},
        {"columns.note.required": True},
        {"columns.note.header": "memo"},
        {"columns.note.values": ["a"]},
        {"columns.note.pattern": "a+"},
        {"columns.quantity.range": {"min": 1, "max": 10}},
        {"columns.quantity.range": MISSING},
        {"columns.sold_at.formats": ["%Y/%m/%d %H:%M"]},
        {"columns.sold_at.time_zone": "UTC"},
        {"columns.is_hot.true_values": ["hot"]},
        {"columns.is_hot.false_values": ["cold"]},
        {"columns.note": MISSING},
        {"columns.colour": {"data_type": "text"}},
    ],
    ids=str,
)
def test_what_can_change_a_row_changes_the_reading_hash(change: dict[str, Any]) -> None:
    assert reading_hash(change) != reading_hash({})


def vendings(catalog: Catalog) -> list[Source]:
    """What a fleet delivers; others may be declared beside it."""
    return [source for source in catalog if source.unique_id.startswith("source.vending.vending.")]


def test_the_seven_sources_of_the_project_are_as_they_are_delivered(catalog: Catalog) -> None:
    names = {
        "sales_VM001_20240305.csv": ("sales", NameParts("VM001", date(2024, 3, 5))),
        "replenishment_records_VM001_20240305.csv": ("replenishment_records", NameParts("VM001", date(2024, 3, 5))),
        "vending_machines.csv": ("vending_machines", NameParts(None, None)),
        "products_20240305.csv": ("products", NameParts(None, date(2024, 3, 5))),
        "product_categories.csv": ("product_categories", NameParts(None, None)),
        "staff.csv": ("staff", NameParts(None, None)),
        "payment_methods.csv": ("payment_methods", NameParts(None, None)),
    }
    assert {name: catalog.identify(name) for name in names} == {
        name: (catalog.source(source), parts) for name, (source, parts) in names.items()
    }
    fleets = [catalog.source(source) for source, _ in names.values()]
    assert {source.name for source in fleets} == {source.name for source in vendings(catalog)}
    assert {source.schema_name for source in fleets} == {"raw"}
    assert {source.files.encodings for source in fleets} == {("utf-8", "cp932")}
    assert {source.name for source in fleets if source.files.required} == {"vending_machines", "products"}


def test_personal_data_of_the_fleet_is_marked(catalog: Catalog) -> None:
    columns = {f"{source.name}.{column.name}": column for source in vendings(catalog) for column in source.columns}
    assert {name for name, column in columns.items() if column.personal} == {
        "staff.staff_id",
        "staff.staff_name",
        "replenishment_records.staff_id",
    }
