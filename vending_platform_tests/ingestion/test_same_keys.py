"""Within a file one row per key counts, and each of the others is rejected with the line that counts in its place."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vending_platform.catalog import Catalog, Source
from vending_platform.cli.views import summary_view
from vending_platform.ingestion import check, same_keys
from vending_platform.ingestion.reading import SMALL
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.ingestion.test_forms import contract
from vending_platform_tests.properties import examples

COLUMNS: dict[str, Any] = {
    "day": {"type": "date", "required": True},
    "amount": {"type": "decimal(9,2)"},
}


def shop(tmp_path: Path, **files: Any) -> RawFolder:
    (tmp_path / "sources").mkdir(exist_ok=True, parents=True)
    return RawFolder(tmp_path, Catalog((contract(COLUMNS, **{"day_column": "day"} | files),)))


def delivered(
    raw_folder: RawFolder, *rows: str, name: str = "any_1.csv"
) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]]]:
    """What counts of the file, and what is rejected."""
    raw_folder.deliver({name: ("id,day,amount\n" + "".join(f"{row}\n" for row in rows)).encode()})
    raw_folder.ingest()
    counted = raw_folder.rows("select _line, id, amount from raw.anything order by _line")
    rejected = raw_folder.rows("select line, reason from raw._rejected_rows order by line")
    return [(r["_line"], r["id"], float(r["amount"])) for r in counted], [(r["line"], r["reason"]) for r in rejected]


def test_the_same_row_again_is_rejected_with_the_line_that_counts(tmp_path: Path) -> None:
    raw_folder = shop(tmp_path)
    counted, rejected = delivered(
        raw_folder, "a,2024-03-05,1.0", "b,2024-03-05,2", "a,2024-03-05,1.00", "a,2024-03-05,1"
    )
    assert counted == [(2, "a", 1.0), (3, "b", 2.0)], "values are compared, not how they are written"
    assert rejected == [(4, "same key as line 2"), (5, "same key as line 2")]
    assert raw_folder.rows("select column_name, raw_text from raw._rejected_rows where line = 5") == [
        {"column_name": "id", "raw_text": "a,2024-03-05,1"}
    ]
    assert raw_folder.ledger()["any_1.csv"]["rows_accepted"] == 2


def test_of_rows_that_differ_the_later_day_counts_and_then_the_later_line(tmp_path: Path) -> None:
    counted, rejected = delivered(
        shop(tmp_path), "a,2024-03-06,1", "a,2024-03-05,2", "b,2024-03-05,3", "b,2024-03-05,4", "c,2024-03-05,9"
    )
    assert counted == [(2, "a", 1.0), (5, "b", 4.0), (6, "c", 9.0)]
    assert rejected == [
        (3, "same key as line 2, which counts; they differ in day, amount"),
        (4, "same key as line 5, which counts; they differ in amount"),
    ]


def test_a_file_that_says_all_twice_is_loaded_and_one_that_contradicts_itself_is_not(tmp_path: Path) -> None:
    rows = [f"{n},2024-03-05,1" for n in range(4)]
    raw_folder = shop(tmp_path, refuse_above="10%")
    counted, rejected = delivered(raw_folder, *rows, *rows, *rows)
    assert (len(counted), len(rejected)) == (4, 8)
    delivered(raw_folder, *rows, *(row + "0" for row in rows))
    assert "4 of 8 rows were rejected" in str(raw_folder.ledger()["any_1.csv"]["reason"])


def test_duplicates_can_be_kept(tmp_path: Path) -> None:
    counted, rejected = delivered(shop(tmp_path, duplicates="keep"), "a,2024-03-05,1", "a,2024-03-05,1")
    assert (len(counted), rejected) == (2, [])


@pytest.mark.parametrize("delivery", ["daily", "snapshot"])
def test_it_holds_for_every_delivery(tmp_path: Path, delivery: str) -> None:
    files: dict[str, Any] = {"names": "any_{yyyymmdd}.csv", "delivery": delivery, "day_tolerance": "1d"}
    files["refuse_above"] = "100%"
    if delivery == "snapshot":
        files |= {"day_column": None, "day_tolerance": "0m"}
    rows = ["a,2024-03-05,1", "a,2024-03-06,2", "a,2024-03-05,3"]
    counted, rejected = delivered(shop(tmp_path, **files), *rows, name="any_20240305.csv")
    assert counted == [(4, "a", 3.0)], "the row of the file's day, and of those the last"
    assert [line for line, _ in rejected] == [2, 3]


def test_a_large_file_is_held_against_itself_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_keys, "_ROWS_AT_ONCE", 20_000)
    filler = "x" * 200
    rows = [f"{n},2024-03-05,{filler}" for n in range(SMALL // 200 + 5_000)]
    rows[-1] = rows[0]
    rows[-2] = rows[1].replace("x", "y")
    source = contract({"day": COLUMNS["day"], "note": {"type": "text"}})
    (tmp_path / "sources").mkdir()
    raw_folder = RawFolder(tmp_path, Catalog((source,)))
    raw_folder.deliver({"any_1.csv": ("id,day,note\n" + "\n".join(rows) + "\n").encode()})
    raw_folder.ingest()
    count = len(rows)
    assert raw_folder.rows("select line, reason from raw._rejected_rows order by line") == [
        {"line": 3, "reason": f"same key as line {count}, which counts; they differ in note"},
        {"line": count + 1, "reason": "same key as line 2"},
    ]
    assert raw_folder.rows("select count(*) as n, count(distinct id) as keys from raw.anything") == [
        {"n": count - 2, "keys": count - 2}
    ]
    checked = check(raw_folder.catalog, raw_folder.sources / "any_1.csv")
    assert (checked.accepted, checked.rejected) == (count - 2, 2)


def expected(source: Source, rows: list[tuple[str, date, int]]) -> list[int]:
    """The lines that count, by the rule's own words."""
    lines = []
    for key in {row[0] for row in rows}:
        of_key = [(row, line) for line, row in enumerate(rows, start=2) if row[0] == key]
        last = dict(of_key)
        best = max(last, key=lambda row: (row[1] if source.files.day_column else date.min, last[row]))
        lines.append(next(line for row, line in of_key if row == best))
    return sorted(lines)


_ROW = st.tuples(st.sampled_from("ab"), st.dates(date(2024, 3, 1), date(2024, 3, 3)), st.integers(1, 2))


@given(files=st.lists(st.lists(_ROW, max_size=6), min_size=1, max_size=3), day=st.booleans(), large=st.booleans())
@examples(60)
def test_what_counts_is_what_the_rule_says(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[str, date, int]]], day: bool, large: bool
) -> None:
    source = contract(COLUMNS, refuse_above="100%", **({"day_column": "day"} if day else {}))
    folder = tmp_path_factory.mktemp("shop")
    (folder / "sources").mkdir()
    raw_folder = RawFolder(folder, Catalog((source,)))
    text = {
        f"any_{number}.csv": "id,day,amount\n" + "".join(f"{key},{on},{amount}\n" for key, on, amount in rows)
        for number, rows in enumerate(files)
    }
    raw_folder.deliver({name: content.encode() for name, content in text.items()})
    with pytest.MonkeyPatch.context() as patch:
        if large:
            for module in ("loading", "planning"):
                patch.setattr(f"vending_platform.ingestion.{module}.SMALL", 10)
        raw_folder.ingest()
    for name, rows in zip(text, files, strict=True):
        (file_id,) = (
            row["file_id"] for row in raw_folder.rows(f"select file_id from raw._files where path = '{name}'")
        )
        counted = raw_folder.rows(f"select _line from raw.anything where _file_id = '{file_id}' order by _line")
        rejected = raw_folder.rows(f"select line from raw._rejected_rows where file_id = '{file_id}'")
        assert [row["_line"] for row in counted] == expected(source, rows)
        assert len(counted) + len(rejected) == len(rows)


def test_a_file_with_the_bytes_of_another_one_is_named(tmp_path: Path) -> None:
    raw_folder = shop(tmp_path)
    text = b"id,day,amount\na,2024-03-05,1\n"
    raw_folder.deliver({"any_1.csv": text})
    assert raw_folder.ingest().copies == []
    raw_folder.deliver({"any_2.csv": text, "any_3.csv": b"id,day,amount\n", "any_4.csv": b"id,day,amount\n"})
    summary = raw_folder.ingest()
    assert summary.copies == [("any_2.csv", "any_1.csv")], "files without rows have nothing that could count twice"
    assert summary.needs_a_person
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary_view(summary))
    assert "any_2.csv: as any_1.csv" in console.export_text()
    raw_folder.deliver({"any_1.csv": text + b"b,2024-03-05,1\n", "any_5.csv": text, "any_6.csv": text})
    assert raw_folder.ingest().copies == [("any_5.csv", "any_2.csv"), ("any_6.csv", "any_2.csv")], (
        "any_1 has others by now"
    )
    assert raw_folder.ingest().copies == [], "and once is enough"


def test_copies_of_masters_and_where_duplicates_are_wanted_are_not_named(tmp_path: Path) -> None:
    text = b"id,day,amount\na,2024-03-05,1\n"
    kinds: list[dict[str, Any]] = [{"duplicates": "keep"}, {"delivery": "snapshot", "day_column": None}]
    for number, files in enumerate(kinds):
        raw_folder = shop(tmp_path / f"{number}", **files)
        raw_folder.deliver({"any_1.csv": text, "any_2.csv": text})
        assert raw_folder.ingest().copies == []
