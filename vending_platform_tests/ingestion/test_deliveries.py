"""Every untidy delivery has one outcome, and the people who wait for it can see it."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from vending_platform.catalog import Catalog
from vending_platform.ingestion import Selection, Watcher, ingest, status, unseen
from vending_platform.ledger import FileState
from vending_platform.storage import LocalPlace, StoredFile
from vending_platform_tests.ingestion.raw_folder import (
    NOW,
    SALES_HEADER,
    RawFolder,
    machines_file,
    sales,
    sales_file,
    sales_row,
)

NAME = "sales_VM001_20240305.csv"
CATEGORIES = "product_categories.csv"


def test_a_tidy_file_is_loaded_with_types_line_and_day(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, slot_no="01", product_id="0007"))})
    summary = raw_folder.ingest()
    (row,) = raw_folder.rows("select * from raw.sales")
    assert row["slot_no"] == "01"
    assert row["product_id"] == "0007"
    assert row["sold_at"] == datetime(2024, 3, 5, 9, 1)
    assert (row["quantity"], row["unit_price"], row["_line"], row["_extra"]) == (1, 130, 2, None)
    assert str(row["_business_date"]) == "2024-03-05"
    assert row["_file_id"] == raw_folder.ledger()[NAME]["file_id"]
    assert not summary.needs_a_person


def test_the_ledger_tells_all_about_a_version(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    summary = raw_folder.ingest()
    version = raw_folder.ledger()[NAME]
    assert version["size"] == len(sales_file())
    assert version["sender"] == "VM001"
    assert version["encoding"] == "utf-8"
    assert version["contract_hash"] == raw_folder.catalog.source("sales").reading_hash
    assert version["first_seen_at"] == version["loaded_at"]
    assert version["run_id"] == summary.run_id


def test_a_nested_file_is_what_its_name_says(raw_folder: RawFolder) -> None:
    raw_folder.deliver({f"sales/2024/{NAME}": sales_file()})
    raw_folder.ingest()
    assert raw_folder.state(f"sales/2024/{NAME}") == FileState.LOADED


def test_a_late_file_is_loaded_whenever_it_comes(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    late = "sales_VM001_20240301.csv"
    raw_folder.deliver({late: sales_file(day="2024-03-01")})
    os.utime(raw_folder.sources / late, (0, 0))  # and however old it claims to be
    assert [version.path for version in raw_folder.ingest().loaded] == [late]


def test_the_same_content_again_changes_nothing(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    before = raw_folder.raw()
    raw_folder.deliver({NAME: sales_file()})
    summary = raw_folder.ingest()
    assert [version.path for version in summary.same_again] == [NAME]
    assert not summary.loaded
    assert raw_folder.raw() == before
    assert raw_folder.ingest().unchanged == 1


def test_a_corrected_file_takes_the_place_of_the_old_one(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file(rows=5)})
    raw_folder.ingest()
    raw_folder.deliver({NAME: sales(sales_row(9, unit_price=999))})
    summary = raw_folder.ingest()
    assert raw_folder.rows("select unit_price from raw.sales") == [{"unit_price": 999}]
    assert len(summary.corrected) == 1
    states = raw_folder.rows("select state, in_raw from raw._files order by rows_accepted")
    assert states == [{"state": "loaded", "in_raw": True}, {"state": "superseded", "in_raw": False}]


def test_a_file_that_goes_back_to_its_first_content_is_that_version_again(raw_folder: RawFolder) -> None:
    first, second = sales_file(rows=3), sales_file(rows=4)
    for content in (first, second, first):
        raw_folder.deliver({NAME: content})
        raw_folder.ingest()
    assert len(raw_folder.rows("select * from raw.sales")) == 3
    assert len(raw_folder.rows("select * from raw._files")) == 2
    assert raw_folder.ledger()[NAME]["rows_accepted"] == 3


def test_a_correction_that_is_broken_takes_the_rows_away_too(raw_folder: RawFolder) -> None:
    """What counts is the latest content of a file, also where it can't be used; otherwise order would matter."""
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder.deliver({NAME: sales_file()[:-20]})
    raw_folder.ingest()
    assert raw_folder.state(NAME) == FileState.QUARANTINED
    assert raw_folder.rows("select * from raw.sales") == []


def test_the_content_of_another_machine_is_refused(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"sales_VM002_20240305.csv": sales_file("VM001")})
    (refused,) = raw_folder.ingest().quarantined
    assert "5 of 5 rows were rejected" in str(refused.reason)
    assert "'VM001' is another machine than the VM002 of the file's name" in str(refused.reason)


def test_a_row_of_another_machine_is_rejected(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2), sales_row(3, machine="VM002"))})
    raw_folder.ingest()
    (row,) = raw_folder.rows("select * from raw._rejected_rows")
    assert (row["line"], row["column_name"]) == (4, "machine_id")
    assert row["raw_text"] == sales_row(3, machine="VM002")


def test_a_deleted_file_is_reported_and_its_rows_stay_until_a_person_says_withdraw(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    summary = raw_folder.ingest()
    assert [version.state for version in summary.gone] == [FileState.WITHDRAWN]
    assert summary.needs_a_person
    assert len(raw_folder.rows("select * from raw.sales")) == 5
    assert [version.path for version in raw_folder.ingest(withdraw=True).withdrawn] == [NAME]
    assert raw_folder.rows("select * from raw.sales") == []
    assert raw_folder.ingest(withdraw=True).withdrawn == []


def test_a_deleted_file_that_comes_back_is_loaded_as_before(raw_folder: RawFolder) -> None:
    for withdraw in (False, True):
        raw_folder.deliver({NAME: sales_file()})
        raw_folder.ingest()
        raw_folder.remove(NAME)
        raw_folder.ingest()
        raw_folder.ingest(withdraw=withdraw)
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    assert raw_folder.state(NAME) == FileState.LOADED
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_a_file_old_enough_to_be_archived_may_go(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    summary = ingest(raw_folder.context, withdraw=True, now=NOW + timedelta(days=400))
    assert [version.state for version in summary.gone] == [FileState.ARCHIVED]
    assert not summary.needs_a_person
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_a_day_before_the_first_is_nobodys(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"sales_VM001_19990305.csv": sales_file(day="1999-03-05")})
    (undeclared,) = raw_folder.ingest().undeclared
    assert undeclared.reason == "its day is before 2024-01-01, the first_day of sales"


def test_a_header_without_rows_is_a_day_without_sales(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales()})
    assert not raw_folder.ingest().needs_a_person
    assert raw_folder.ledger()[NAME]["rows_accepted"] == 0


def test_a_master_without_rows_is_refused(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"vending_machines.csv": machines_file()})
    (refused,) = raw_folder.ingest().quarantined
    assert refused.reason == "it has 0 usable rows, and the contract requires at least 1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty, without even a header"),
        (b"\n\r\n\n", "it has nothing but empty lines"),
        (sales_file()[:-1], "its last row has no line end"),
        (sales_file() + b"VM001-x,VM0", "its last row has no line end"),
        (sales_file() + b"\0\0\0\0\n", "it has NUL bytes"),
        (sales_file().replace(b"PM1", '現金"'.encode()[:4], 1), "can't be decoded (utf-8: byte 0xE9 in line 2"),
        (b"\xff\xfe" + SALES_HEADER.encode("utf-16-le"), "it is written in UTF-16"),
        (sales_file().replace(b",status", b""), "its header lacks 'status'"),
        (sales_file().replace(b"slot_no,", b"quantity,", 1), "its header has the column 'quantity' twice"),
        (sales_file() + b'"never closed,VM001\n', "its quotes can't be followed in the row from line 7 on"),
        (sales_file() + b'"closed"too early,VM001\n', "its quotes can't be followed in the row from line 7 on"),
    ],
)
def test_a_file_that_cannot_be_trusted_goes_to_quarantine_whole(
    raw_folder: RawFolder, content: bytes, reason: str
) -> None:
    raw_folder.deliver({NAME: content, "sales_VM002_20240305.csv": sales_file("VM002")})
    summary = raw_folder.ingest()
    assert reason in str(raw_folder.ledger()[NAME]["reason"])
    assert [version.path for version in summary.loaded] == ["sales_VM002_20240305.csv"], "a bad file stops no good one"
    assert raw_folder.kept() == {raw_folder.ledger()[NAME]["sha256"]: content}
    assert raw_folder.rows("select * from raw._rejected_rows") == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_line_end_and_a_byte_order_mark_are_fine(raw_folder: RawFolder, end: str, mark: bytes) -> None:
    raw_folder.deliver({NAME: mark + sales(sales_row(1), sales_row(2), end=end)})
    assert not raw_folder.ingest().needs_a_person
    assert [row["_line"] for row in raw_folder.rows("select _line from raw.sales order by 1")] == [2, 3]


def test_a_lone_carriage_return_ends_a_row_as_it_does_for_any_csv_reader(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2), sales_row(3).replace("PM1", "PM\r1"))})
    raw_folder.ingest()
    rejected = raw_folder.rows("select line, reason, raw_text from raw._rejected_rows order by line")
    assert [row["line"] for row in rejected] == [4, 5]
    assert rejected[0]["reason"] == "the row has 8 fields, the header has 9"
    assert rejected[1]["raw_text"] == "1,completed"


def test_cp932_with_its_extensions_and_leading_zeros_is_kept_as_written(raw_folder: RawFolder) -> None:
    text = "category_id,category_name,parent_id\n001,㈱飲料①,\n002,髙級﨑茶,001\n"
    raw_folder.deliver({CATEGORIES: text.encode("cp932")})
    assert not raw_folder.ingest().needs_a_person
    assert raw_folder.rows("select category_id, category_name, parent_id from raw.product_categories order by 1") == [
        {"category_id": "001", "category_name": "㈱飲料①", "parent_id": None},
        {"category_id": "002", "category_name": "髙級﨑茶", "parent_id": "001"},
    ]
    assert raw_folder.ledger()[CATEGORIES]["encoding"] == "cp932"


def test_broken_utf8_is_not_taken_for_cp932(raw_folder: RawFolder) -> None:
    text = "category_id,category_name,parent_id\n001,お茶とコーヒー,\n".encode()
    raw_folder.deliver({CATEGORIES: text.replace("と".encode(), "と".encode()[:2])})
    (refused,) = raw_folder.ingest().quarantined
    assert "can't be decoded" in str(refused.reason)


@pytest.mark.parametrize("name", ["茶".encode()[:2], "東京都".encode()[:5], "髙﨑".encode()[:4]])
def test_japanese_that_was_cut_by_bytes_is_not_taken_for_cp932(raw_folder: RawFolder, name: bytes) -> None:
    raw_folder.deliver(
        {CATEGORIES: b"category_id,category_name,parent_id\n" + b"".join(b"%d,%s,\n" % (n, name) for n in (1, 2))}
    )
    (refused,) = raw_folder.ingest().quarantined
    assert "can't be decoded" in str(refused.reason)


@pytest.mark.parametrize("name", ["髙茶", "ﾊﾝﾊﾞｰｶﾞｰ", "①", "表示ソ能"])
def test_short_cp932_is_not_taken_for_broken_utf8(raw_folder: RawFolder, name: str) -> None:
    raw_folder.deliver({CATEGORIES: f"category_id,category_name,parent_id\n1,{name},\n".encode("cp932")})
    raw_folder.ingest()
    assert raw_folder.rows("select category_name from raw.product_categories") == [{"category_name": name}]


def test_a_day_in_the_future_is_nobodys(raw_folder: RawFolder) -> None:
    name = "sales_VM001_99991231.csv"
    raw_folder.deliver({name: sales(), NAME: sales_file()})
    (undeclared,) = raw_folder.ingest().undeclared
    assert (undeclared.path, undeclared.reason) == (name, "its day 9999-12-31 is in the future")


def test_what_a_killed_write_left_in_quarantine_is_swept(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()[:-3]})
    raw_folder.ingest()
    (kept,) = raw_folder.kept()
    for left in (f"{kept}#1", ".half.tmp"):
        (raw_folder.folder / "work" / "quarantine" / kept[:2] / left).write_bytes(b"half")
    raw_folder.ingest()
    assert list(raw_folder.kept()) == [kept]


def test_a_contract_that_was_removed_is_told_while_its_rows_are_there(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    fewer = replace(raw_folder, catalog=Catalog(tuple(s for s in raw_folder.catalog if s.name != "sales")))
    told, _ = status(fewer.context.warehouse, fewer.catalog)
    assert told.without_a_contract == ["sales"]
    assert told.needs_a_person


def test_quoted_fields_may_hold_separators_quotes_and_line_breaks(raw_folder: RawFolder) -> None:
    text = 'category_id,category_name,parent_id\n1,"a, ""b""\nc\r\nd",\n"2",e,"1"\n'
    raw_folder.deliver({CATEGORIES: text.encode()})
    raw_folder.ingest()
    rows = raw_folder.rows("select category_name, _line from raw.product_categories order by _line")
    assert rows == [{"category_name": 'a, "b"\nc\r\nd', "_line": 2}, {"category_name": "e", "_line": 5}]


def test_unknown_columns_are_kept_and_reported(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1) + ",曇り,3", header=SALES_HEADER + ",weather,floor")})
    summary = raw_folder.ingest()
    (row,) = raw_folder.rows("select * from raw.sales")
    assert json.loads(row["_extra"]) == {"weather": "曇り", "floor": "3"}
    assert summary.loaded[0].drift == "unknown columns kept in _extra: weather, floor"
    assert summary.needs_a_person


def test_unknown_columns_are_refused_where_the_contract_says_so(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"staff.csv": "staff_id,staff_name,branch,route_id,phone\nS1,山田,東京,R1,03\n".encode()})
    (refused,) = raw_folder.ingest().quarantined
    assert refused.reason == "its header has columns that the contract refuses: 'phone'"


def test_a_missing_optional_column_is_left_empty_and_reported(raw_folder: RawFolder) -> None:
    raw_folder.deliver({CATEGORIES: b"category_id,category_name\n1,Tea\n"})
    summary = raw_folder.ingest()
    assert raw_folder.rows("select parent_id from raw.product_categories") == [{"parent_id": None}]
    assert summary.loaded[0].drift == "columns missing, left empty: parent_id"


def test_reordered_columns_are_read_by_their_names(raw_folder: RawFolder) -> None:
    raw_folder.deliver({CATEGORIES: b"parent_id,category_name,category_id\n,Tea,1\n"})
    assert not raw_folder.ingest().needs_a_person
    (row,) = raw_folder.rows("select category_id, category_name, parent_id from raw.product_categories")
    assert row == {"category_id": "1", "category_name": "Tea", "parent_id": None}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"quantity": "1e3"}, "quantity '1e3' is not a whole number"),
        ({"quantity": "1.5"}, "quantity '1.5' is not a whole number"),
        ({"quantity": "0x1F"}, "quantity '0x1F' is not a whole number"),
        ({"quantity": "１２０"}, "quantity '１２０' is not a whole number"),
        ({"quantity": " 1"}, "quantity ' 1' is not a whole number"),
        ({"quantity": "99999999999999999999"}, "quantity '99999999999999999999' is not a whole number"),
        ({"quantity": "-1"}, "quantity '-1' is less than 1"),
        ({"quantity": "101"}, "quantity '101' is more than 100"),
        ({"quantity": ""}, "quantity is empty"),
        ({"status": "done"}, "status 'done' is none of: completed, refunded, failed"),
        ({"sold_at": "2024-03-05"}, "sold_at '2024-03-05' is not a valid timestamp of the form"),
        ({"sold_at": "2024-02-30 10:00:00"}, "sold_at '2024-02-30 10:00:00' is not a valid timestamp of the form"),
        ({"sold_at": "2024-03-04 21:59:59"}, "is outside the file's day 2024-03-05 (and 2:00:00 before and after)"),
        ({"sold_at": "2024-03-06 02:00:00"}, "is outside the file's day 2024-03-05 (and 2:00:00 before and after)"),
        ({"quantity": "1,2"}, "the row has 10 fields, the header has 9"),
        ({"quantity": "x", "status": "y"}, "quantity 'x' is not a whole number; status 'y' is none of"),
    ],
)
def test_a_bad_row_is_rejected_with_its_place_and_reason(
    raw_folder: RawFolder, values: dict[str, str], reason: str
) -> None:
    bad = sales_row(2, **values)
    raw_folder.deliver({NAME: sales(sales_row(1), bad, sales_row(3))})
    raw_folder.ingest()
    (row,) = raw_folder.rows("select * from raw._rejected_rows")
    assert reason in row["reason"]
    assert (row["path"], row["line"], row["raw_text"]) == (NAME, 3, bad)
    start = row["byte_offset"]
    assert (raw_folder.sources / NAME).read_bytes()[start : start + row["byte_length"]] == bad.encode() + b"\n"
    assert [r["_line"] for r in raw_folder.rows("select _line from raw.sales order by 1")] == [2, 4]


@pytest.mark.parametrize("sold_at", ["2024-03-04 22:00:00", "2024/03/05 10:00:00", "2024-03-05T01:30:00+09:00"])
def test_every_declared_form_of_a_time_is_read(raw_folder: RawFolder, sold_at: str) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, sold_at=sold_at))})
    assert not raw_folder.ingest().needs_a_person
    (row,) = raw_folder.rows("select sold_at from raw.sales")
    assert row["sold_at"] == datetime.fromisoformat(sold_at.replace("/", "-")).replace(tzinfo=None)


def test_a_time_with_another_offset_becomes_japans(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, sold_at="2024-03-04T20:00:00-0500"))})
    raw_folder.ingest()
    assert raw_folder.rows("select sold_at from raw.sales") == [{"sold_at": datetime(2024, 3, 5, 10, 0)}]


def test_names_that_nobody_declared_are_on_record_until_they_are_gone(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"readme.txt": b"hello", "sales_VM001_20240230.csv": sales_file(), NAME: sales_file()})
    summary = raw_folder.ingest()
    assert {file.path: file.reason for file in summary.undeclared} == {
        "readme.txt": "no contract takes this name",
        "sales_VM001_20240230.csv": "20240230 in the name is not a valid date",
    }
    assert len(raw_folder.rows("select * from raw._undeclared")) == 2
    raw_folder.remove("readme.txt", "sales_VM001_20240230.csv")
    raw_folder.ingest()
    assert raw_folder.rows("select * from raw._undeclared") == []


def test_a_name_that_is_no_text_hides_no_other_file(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    (raw_folder.sources / os.fsdecode(b"\x93\xfa.csv")).write_bytes(b"x")
    (raw_folder.sources / "two\nlines.csv").write_bytes(b"x")
    summary = raw_folder.ingest()
    assert sorted(file.path for file in summary.undeclared) == ["\\x93\\xfa.csv", "two\\nlines.csv"]
    assert [version.path for version in summary.loaded] == [NAME]


def test_a_file_that_is_still_being_written_is_left_for_the_next_run(raw_folder: RawFolder) -> None:
    whole = sales_file(rows=50)
    raw_folder.deliver({NAME: whole[:1000], "sales_VM002_20240305.csv": sales_file("VM002")})

    def keep_writing(step: object) -> None:
        if step == "planned":
            with (raw_folder.sources / NAME).open("ab") as file:
                file.write(whole[1000:2000])

    summary = raw_folder.ingest(watcher=Watcher(on_step=keep_writing))
    assert summary.unreadable == [(NAME, "it was still being written while this run was reading")]
    assert NAME not in raw_folder.ledger()
    (raw_folder.sources / NAME).write_bytes(whole)
    raw_folder.ingest()
    assert raw_folder.ledger()[NAME]["rows_accepted"] == 50


def test_only_the_selected_days_and_sources_are_touched(raw_folder: RawFolder) -> None:
    days = {f"sales_VM001_2024030{d}.csv": sales_file(day=f"2024-03-0{d}") for d in range(1, 6)}
    raw_folder.deliver({**days, CATEGORIES: b"category_id,category_name,parent_id\n1,Tea,\n"})
    some = Selection(datetime(2024, 3, 2).date(), datetime(2024, 3, 3).date())
    assert {version.path for version in raw_folder.ingest(some).loaded} == {
        "sales_VM001_20240302.csv",
        "sales_VM001_20240303.csv",
        CATEGORIES,
    }
    raw_folder.remove("sales_VM001_20240302.csv")
    assert raw_folder.ingest(Selection(sources=frozenset({"products"}))).gone == ()
    assert len(raw_folder.ingest(Selection(sources=frozenset({"sales"}))).loaded) == 3


def test_only_the_named_files_are_looked_for_and_nothing_is_said_of_the_others(
    raw_folder: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = {f"sales_VM001_2024030{d}.csv": sales_file(day=f"2024-03-0{d}") for d in range(1, 6)}
    first, second, third, fourth, fifth = days
    raw_folder.deliver({first: days[first], third: days[third], "notes.txt": b"nobody's"})
    raw_folder.ingest()
    raw_folder.deliver({**days, first: sales_file(day="2024-03-01", rows=2), "more.txt": b"nobody's either"})
    raw_folder.remove(third, "notes.txt")
    with monkeypatch.context() as patch:
        listing = LocalPlace.files

        def refuse(place: LocalPlace, prefix: str = "") -> Iterator[StoredFile]:
            assert place.folder != raw_folder.sources, "the raw place was listed"
            return listing(place, prefix)

        patch.setattr(LocalPlace, "files", refuse)
        summary = raw_folder.ingest(Selection(paths=frozenset({first, second, "more.txt", "never-was.csv"})))
    assert {version.path for version in summary.loaded} == {first, second}
    assert summary.gone == ()
    assert raw_folder.rows("select path from raw._undeclared order by 1") == [
        {"path": "more.txt"},
        {"path": "notes.txt"},
    ]
    assert raw_folder.state(third) == "loaded"
    assert raw_folder.ledger().keys() == {first, second, third}

    named = raw_folder.ingest(Selection(paths=frozenset({third, "notes.txt"})))
    assert [version.path for version in named.gone] == [third]
    everything = raw_folder.ingest()
    assert {version.path for version in everything.loaded} == {fourth, fifth}
    assert raw_folder.rows("select path from raw._undeclared") == [{"path": "more.txt"}]


@pytest.mark.parametrize("odd", ["", "it's ", "back\\slash ", "売上 "])
def test_a_stretch_of_files_is_held_against_its_part_of_the_ledger(raw_folder: RawFolder, odd: str) -> None:
    names = [f"{odd}{d}/sales_VM001_2024030{d}.csv" for d in range(1, 6)]
    raw_folder.deliver({name: sales_file(day=f"2024-03-0{d}") for d, name in enumerate(names, start=1)})
    raw_folder.deliver({f"{odd}{d}/notes.txt": b"nobody's" for d in (2, 4)})
    files = sorted(raw_folder.context.storage.raw.files(), key=lambda file: file.path)
    for start, end in ((0, 7), (2, 5), (6, 7), (3, 3)):
        assert {f.path for f in unseen(raw_folder.context, files[start:end], NOW)} == {f.path for f in files[start:end]}
    raw_folder.ingest()
    assert unseen(raw_folder.context, files, NOW) == []
    raw_folder.deliver({names[2]: sales_file(day="2024-03-03", rows=1), f"{odd}4/notes.txt": b"changed"})
    files = sorted(raw_folder.context.storage.raw.files(), key=lambda file: file.path)
    assert {file.path for file in unseen(raw_folder.context, files[1:6], NOW)} == {names[2], f"{odd}4/notes.txt"}


def test_verify_reads_what_looks_unchanged(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file(rows=5)})
    raw_folder.ingest()
    summary = raw_folder.ingest(verify=True)
    assert (summary.unchanged, len(summary.same_again)) == (0, 1)
