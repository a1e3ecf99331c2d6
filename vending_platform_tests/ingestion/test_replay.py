"""Contracts evolve: what was read under the old one, or could not be, is read again when a person says replay."""

import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from vending_platform.catalog import Catalog, Source
from vending_platform.ingestion import CrashPoint, Watcher, ingest, replay
from vending_platform.ledger import FileState
from vending_platform_tests.ingestion.raw_folder import NOW, SALES_HEADER, RawFolder, sales, sales_file, sales_row

NAME = "sales_VM001_20240305.csv"


def fixed(
    raw_folder: RawFolder, source: str = "sales", files: dict[str, Any] | None = None, **columns: dict[str, Any]
) -> RawFolder:
    """The same raw folder under a contract with other rules for the file or for some of its columns."""
    old = raw_folder.catalog.source(source)
    said = old.model_dump() | {"files": dump_files(old) | (files or {})}
    kept = [dump_column(column) | columns.pop(column["name"], {}) for column in said["columns"]]
    said["columns"] = kept + [{"name": name, **rules} for name, rules in columns.items()]
    new = Source.model_validate(said)
    return replace(raw_folder, catalog=Catalog(tuple(new if s.name == source else s for s in raw_folder.catalog)))


def dump_files(source: Source) -> dict[str, Any]:
    said = source.files.model_dump(mode="json", exclude_unset=True)
    for key in ("day_tolerance", "archive_after", "quarantine_for"):
        if key in said:
            said[key] = f"{getattr(source.files, key) // timedelta(minutes=1)}m"
    shares = {key: f"{getattr(source.files, key):.0%}" for key in ("refuse_above", "block_above")}
    return said | shares


def dump_column(column: dict[str, Any]) -> dict[str, Any]:
    kind = column["type"]
    decimal = f"decimal({kind['precision']},{kind['scale']})"
    said = {key: value for key, value in column.items() if value not in (None, (), "", False)}
    if kind["kind"] != "boolean":
        said = {key: value for key, value in said.items() if key not in ("true_values", "false_values")}
    return said | {"type": decimal if kind["kind"] == "decimal" else kind["kind"]}


def test_an_unchanged_contract_survives_the_tests_own_rebuilding(raw_folder: RawFolder) -> None:
    assert fixed(raw_folder).catalog.source("sales").reading_hash == raw_folder.catalog.source("sales").reading_hash


def test_rejected_rows_are_accepted_once_the_rule_is_fixed(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2, status="dispensed"))})
    raw_folder.ingest()
    assert len(raw_folder.rows("select * from raw._rejected_rows")) == 1
    raw_folder = fixed(raw_folder, status={"values": ["completed", "refunded", "failed", "dispensed"]})
    assert raw_folder.ingest().unchanged == 1, "an ingest alone does not read it again"
    raw_folder.replay()
    assert raw_folder.rows("select * from raw._rejected_rows") == []
    assert len(raw_folder.rows("select * from raw.sales")) == 2
    assert raw_folder.kept() == {}, "nothing of it is in quarantine any more"


def test_a_quarantined_file_is_released_once_its_contract_is_fixed(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file().removesuffix(b"\n")})
    raw_folder.ingest()
    assert raw_folder.state(NAME) == FileState.QUARANTINED
    raw_folder = fixed(raw_folder, files={"final_newline": "optional"})
    raw_folder.replay()
    assert raw_folder.state(NAME) == FileState.LOADED
    assert raw_folder.ledger()[NAME]["reason"] is None
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_a_cut_row_is_still_seen_where_the_last_line_end_is_optional(raw_folder: RawFolder) -> None:
    raw_folder = fixed(raw_folder, files={"final_newline": "optional"})
    raw_folder.deliver({NAME: sales_file() + b"VM001-x,VM0"})
    (refused,) = raw_folder.ingest().quarantined
    assert str(refused.reason).startswith("its last row is incomplete")


def test_a_stricter_rule_rejects_rows_that_were_accepted(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2, unit_price=500))})
    raw_folder.ingest()
    raw_folder = fixed(raw_folder, unit_price={"range": {"max": 400}})
    raw_folder.replay()
    (rejected,) = raw_folder.rows("select line, reason from raw._rejected_rows")
    assert rejected == {"line": 3, "reason": "unit_price '500' is more than 400"}
    assert len(raw_folder.rows("select * from raw.sales")) == 1


def test_a_file_that_is_gone_is_replayed_from_its_kept_bytes(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file().removesuffix(b"\n"), "readme.md": b""})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    raw_folder.ingest()
    assert raw_folder.state(NAME) == FileState.WITHDRAWN
    raw_folder = fixed(raw_folder, files={"final_newline": "optional"})
    raw_folder.replay()
    assert len(raw_folder.rows("select * from raw.sales")) == 5
    assert raw_folder.ledger()[NAME]["state"] == FileState.WITHDRAWN, "its rows are there, and it is still gone"


def test_what_can_no_longer_be_read_again_is_named(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    raw_folder = fixed(raw_folder, unit_price={"range": {"max": 400}})
    summary = raw_folder.replay()
    assert [version.path for version in summary.not_replayable] == [NAME]
    assert summary.needs_a_person
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_replaying_twice_changes_nothing(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2, quantity="x")), "sales_VM002_20240305.csv": b""})
    raw_folder.ingest()
    before = raw_folder.raw()
    raw_folder.replay()
    assert raw_folder.raw() == before


def test_a_new_optional_column_is_added_and_old_files_stay(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder = fixed(raw_folder, weather={"type": "text"})
    raw_folder.deliver(
        {"sales_VM001_20240306.csv": sales(sales_row(1, day="2024-03-06") + ",雨", header=SALES_HEADER + ",weather")}
    )
    raw_folder.ingest()
    assert raw_folder.rows("select weather, count(*) as n from raw.sales group by 1 order by 2") == [
        {"weather": "雨", "n": 1},
        {"weather": None, "n": 5},
    ]


def test_a_wider_type_is_taken_over_and_a_narrower_one_asks_for_a_replay(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, slot_no="07"), sales_row(2, slot_no="B"))})
    raw_folder.ingest()
    wider = fixed(raw_folder, unit_price={"type": "decimal(12,2)"})
    wider.ingest()
    assert str(wider.rows("select unit_price from raw.sales limit 1")[0]["unit_price"]) == "130.00"
    narrower = fixed(wider, slot_no={"type": "integer"})
    blocked = narrower.ingest().blocked
    assert "slot_no of" in blocked["sales"]
    assert "2 of its values would change; vending replay --source sales" in blocked["sales"]
    assert narrower.replay().blocked == {}
    assert narrower.rows("select slot_no from raw.sales") == [{"slot_no": 7}]
    assert "slot_no 'B' is not a whole number" in narrower.rows("select reason from raw._rejected_rows")[0]["reason"]


def test_a_type_change_in_one_source_stops_no_other(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, slot_no="B"))})
    raw_folder.ingest()
    narrower = fixed(raw_folder, slot_no={"type": "integer"})
    narrower.deliver({"product_categories.csv": b"category_id,category_name,parent_id\n1,Tea,\n"})
    summary = narrower.ingest()
    assert list(summary.blocked) == ["sales"]
    assert [version.source for version in summary.loaded] == ["product_categories"]


def test_a_type_change_that_would_lose_values_is_refused_whatever_is_replayed(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, slot_no="B"))})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    raw_folder.ingest()
    summary = fixed(raw_folder, slot_no={"type": "integer"}).replay()
    assert "neither in the store nor in quarantine, such as sales_VM001_20240305.csv" in summary.blocked["sales"]
    assert raw_folder.rows("select slot_no from raw.sales") == [{"slot_no": "B"}]


def test_a_replay_that_is_stopped_anywhere_is_finished_by_the_next_run(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1, slot_no="07"), sales_row(2, slot_no="B"))})
    raw_folder.ingest()
    narrower = fixed(raw_folder, slot_no={"type": "integer"})
    stops = 0
    for stop_at in range(1, 60):
        copy = RawFolder(raw_folder.folder.parent / f"copy-{stop_at}", narrower.catalog)
        shutil.copytree(raw_folder.folder, copy.folder, copy_function=shutil.copy2)
        try:
            replay(copy.context, now=NOW, watcher=Watcher(on_step=stopping_at(stop_at)))
        except Stopped:
            stops += 1
            copy.replay()
        assert copy.rows("select slot_no from raw.sales") == [{"slot_no": 7}], f"stopped at boundary {stop_at}"
        if stops < stop_at:
            break
    assert stops > 15


class Stopped(Exception):
    """As if the process had ended there: whatever was not committed is gone."""


def stopping_at(boundary: int) -> Callable[[CrashPoint], None]:
    passed = itertools.count(1)

    def on_step(_: CrashPoint) -> None:
        if next(passed) == boundary:
            raise Stopped

    return on_step


def test_what_a_person_withdrew_is_not_replayed(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2, quantity="x")), "sales_VM002_20240305.csv": b"broken"})
    raw_folder.ingest()
    raw_folder.remove(NAME, "sales_VM002_20240305.csv")
    raw_folder.ingest()
    assert len(raw_folder.ingest(withdraw=True).withdrawn) == 2
    raw_folder.replay()
    assert raw_folder.rows("select * from raw.sales") == []
    ingest(raw_folder.context, now=NOW + timedelta(days=401))
    assert raw_folder.kept() == {}


def test_withdrawing_takes_what_was_reported_before_and_nothing_that_nobody_has_seen(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales_file()})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    summary = raw_folder.ingest(withdraw=True)
    assert (len(summary.gone), summary.withdrawn) == (1, [])
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_a_withdrawn_master_leaves_no_history(raw_folder: RawFolder) -> None:
    for number, person in enumerate(("山田", "田中")):
        raw_folder.deliver({"staff.csv": f"staff_id,staff_name,branch,route_id\nS1,{person},東京,R1\n".encode()})
        os.utime(raw_folder.sources / "staff.csv", (number * 86_400, number * 86_400))
        raw_folder.ingest()
    assert len(raw_folder.rows("select * from raw.staff")) == 2
    raw_folder.remove("staff.csv")
    raw_folder.ingest()
    raw_folder.ingest(withdraw=True)
    assert raw_folder.rows("select * from raw.staff") == []


def test_replay_notes_what_is_gone_before_it_reads(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2, quantity="x"))})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    fixed(raw_folder, unit_price={"range": {"max": 10}}).replay()
    version = raw_folder.ledger()[NAME]
    assert (version["state"], version["in_raw"]) == (FileState.WITHDRAWN, False)
    assert "2 of 2 rows were rejected" in version["reason"]


def test_another_kind_of_delivery_doubles_no_row(raw_folder: RawFolder) -> None:
    name = "product_categories_20240301.csv"
    for category in ("1", "2"):
        raw_folder.deliver({name: f"category_id,category_name,parent_id\n{category},Tea,\n".encode()})
        raw_folder.ingest()
    daily = fixed(
        raw_folder,
        source="product_categories",
        files={"delivery": "daily", "names": ["product_categories_{yyyymmdd}.csv"]},
    )
    daily.replay()
    assert daily.rows("select category_id from raw.product_categories") == [{"category_id": "2"}]


def test_kept_bytes_go_when_their_time_is_up_and_not_before(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: b"", "sales_VM002_20240305.csv": b"x"})
    ingest(raw_folder.context, now=NOW - timedelta(days=10))
    raw_folder.deliver({NAME: sales_file()})
    ingest(raw_folder.context, now=NOW)
    ingest(raw_folder.context, now=NOW + timedelta(days=395))
    assert len(raw_folder.kept()) == 2, "time runs from the better version's coming, not from the broken one's"
    ingest(raw_folder.context, now=NOW + timedelta(days=401))
    assert list(raw_folder.kept().values()) == [b"x"], "what is current waits for a decision, however long"
