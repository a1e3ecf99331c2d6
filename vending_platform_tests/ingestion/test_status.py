"""What a person is told about the state of things."""

import json
import os
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from vending_platform.ingestion import (
    DeliveryStatus,
    Selection,
    Watcher,
    as_json,
    ingest,
    status,
    status_of,
)
from vending_platform.ledger import last_changes
from vending_platform_tests.ingestion.crashing import ingest_until
from vending_platform_tests.ingestion.raw_folder import NOW, RawFolder, machines_file, sales, sales_file, sales_row


def now(raw_folder: RawFolder) -> DeliveryStatus:
    told, is_being_written = status(raw_folder.context.warehouse, raw_folder.catalog)
    assert not is_being_written
    return told


def test_before_anything_was_loaded_there_is_nothing_to_tell(raw_folder: RawFolder) -> None:
    told = now(raw_folder)
    assert set(told.files.values()) == {0}
    assert not told.needs_a_person


def test_files_that_could_not_be_read_are_named_until_they_can_be_or_are_gone(raw_folder: RawFolder) -> None:
    pipes = [f"sales_VM00{number}_20240301.csv" for number in (1, 2, 3)]
    for path in pipes:
        os.mkfifo(raw_folder.sources / path)
    raw_folder.ingest()
    assert now(raw_folder).unreadable == [{"path": path, "reason": "it is not a regular file"} for path in pipes]
    assert now(raw_folder).needs_a_person
    raw_folder.ingest(Selection(paths=frozenset({"sales_VM009_20240301.csv"})))
    assert len(now(raw_folder).unreadable) == 3, "that run looked at none of them"
    raw_folder.remove(*pipes[:2])
    raw_folder.deliver({pipes[0]: sales_file("VM001", "2024-03-01")})
    raw_folder.ingest()
    assert [row["path"] for row in now(raw_folder).unreadable] == pipes[2:]
    raw_folder.remove(pipes[2])
    raw_folder.ingest()
    assert now(raw_folder).unreadable == []


def test_of_a_warehouse_that_was_deleted_nothing_is_loaded(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01")})
    raw_folder.ingest()
    assert now(raw_folder).files["loaded"] == 1
    (raw_folder.folder / "dbt_dev.duckdb").unlink()
    assert (raw_folder.folder / "dbt_dev.status.json").exists()
    assert set(now(raw_folder).files.values()) == {0}
    raw_folder.ingest()
    assert now(raw_folder).files["loaded"] == 1


def test_a_machine_is_expected_while_it_stands(raw_folder: RawFolder) -> None:
    """From the first to the last delivered day; from the day a machine is installed to the day it is removed."""
    raw_folder.deliver(
        {
            "vending_machines.csv": machines_file(
                ("VM001", "2024-01-01", ""), ("VM002", "2024-03-03", ""), ("VM003", "2024-01-01", "2024-03-02")
            ),
            "sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01"),
            "sales_VM001_20240304.csv": sales_file("VM001", "2024-03-04"),
            "sales_VM001_20240302.csv": b"broken, but not missing",
            "sales_VM003_20240301.csv": sales_file("VM003", "2024-03-01"),
        }
    )
    raw_folder.ingest()
    assert [(row["sender"], row["business_day"]) for row in now(raw_folder).missing] == [
        ("VM001", "2024-03-03"),
        ("VM002", "2024-03-03"),
        ("VM002", "2024-03-04"),
        ("VM003", "2024-03-02"),
    ]


def test_a_day_that_is_due_is_missing_although_nobody_delivered_anything(raw_folder: RawFolder) -> None:
    raw_folder.deliver(
        {
            "vending_machines.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", "2024-03-03")),
            "sales_VM001_20240302.csv": sales_file("VM001", "2024-03-02"),
            "sales_VM002_20240302.csv": sales_file("VM002", "2024-03-02"),
        }
    )
    raw_folder.ingest()
    with raw_folder.context.warehouse.reading() as reader:
        told = status_of(reader, raw_folder.catalog, due_until=date(2024, 3, 4))
    assert [(row["sender"], row["business_day"]) for row in told.missing] == [
        ("VM001", "2024-03-03"),
        ("VM001", "2024-03-04"),
        ("VM002", "2024-03-03"),
    ]
    assert now(raw_folder).missing == []


def test_a_correction_and_a_withdrawal_change_their_day_and_a_master_changes_what_has_no_day(
    raw_folder: RawFolder,
) -> None:
    def changes() -> dict[date | None, datetime]:
        with raw_folder.context.warehouse.reading() as reader:
            return last_changes(reader, raw_folder.catalog)

    assert changes() == {}
    first, second = date(2024, 3, 1), date(2024, 3, 2)
    raw_folder.deliver({f"sales_VM001_2024030{d}.csv": sales_file(day=f"2024-03-0{d}") for d in (1, 2)})
    raw_folder.ingest()
    loaded = changes()
    assert loaded == {first: NOW, second: NOW}
    later = NOW + timedelta(hours=1)
    raw_folder.deliver({"sales_VM001_20240301.csv": sales_file(day="2024-03-01", rows=1)})
    raw_folder.deliver({"products_20240302.csv": b"product_id\n"})
    ingest(raw_folder.context, Selection(), now=later)
    assert changes() == {first: later, second: NOW, None: later}
    raw_folder.remove("sales_VM001_20240302.csv")
    ingest(raw_folder.context, Selection(), now=later)
    ingest(raw_folder.context, Selection(), now=later + timedelta(hours=1), withdraw=True)
    assert changes()[second] == later + timedelta(hours=1)


def test_a_withdrawn_day_is_missing_again(raw_folder: RawFolder) -> None:
    days = {f"sales_VM001_2024030{d}.csv": sales_file(day=f"2024-03-0{d}") for d in (1, 2, 3)}
    raw_folder.deliver({"vending_machines.csv": machines_file(("VM001", "2024-01-01", "")), **days})
    raw_folder.ingest()
    raw_folder.remove("sales_VM001_20240302.csv")
    raw_folder.ingest()
    assert now(raw_folder).missing == []
    assert now(raw_folder).withdrawn == ["sales_VM001_20240302.csv"]
    raw_folder.ingest(withdraw=True)
    assert [row["business_day"] for row in now(raw_folder).missing] == ["2024-03-02"]
    assert now(raw_folder).withdrawn == []


def test_everything_that_needs_a_person_is_named(raw_folder: RawFolder) -> None:
    raw_folder.deliver(
        {
            "vending_machines.csv": machines_file(("VM001", "2024-01-01", "")),
            "sales_VM001_20240301.csv": sales(
                sales_row(1, day="2024-03-01"), sales_row(2, day="2024-03-01", quantity="x")
            ),
            "sales_VM009_20240301.csv": sales_file("VM009", "2024-03-01"),
            "sales_VM001_20240302.csv": b"",
            "product_categories.csv": b"category_id,category_name,parent_id,colour\n1,Tea,,red\n",
            "notes.txt": b"",
        }
    )
    raw_folder.ingest()
    told = now(raw_folder)
    assert told.files == {
        "loaded": 4, "superseded": 0, "quarantined": 1, "withdrawn": 0, "archived": 0, "undeclared": 1
    }  # fmt: skip
    assert told.rows["sales"] == {"accepted": 6, "rejected": 1}
    assert told.unknown_senders == {"machine": ["VM009"]}
    assert told.required_but_absent == ["products"]
    assert [row["path"] for row in told.drifted] == ["product_categories.csv"]
    assert told.quarantined[0]["reason"] == "it is empty, without even a header"
    assert told.undeclared == [{"path": "notes.txt", "reason": "no contract takes this name"}]
    assert told.needs_a_person


def test_only_the_newest_master_counts(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"vending_machines_20240301.csv": machines_file(("VM001", "2024-01-01", ""))})
    raw_folder.ingest()
    raw_folder.deliver(
        {
            "vending_machines_20240201.csv": machines_file(("VM002", "2024-01-01", "")),
            "sales_VM001_20240305.csv": sales_file("VM001", "2024-03-05"),
        }
    )
    raw_folder.ingest()
    assert now(raw_folder).missing == []
    raw_folder.deliver({"vending_machines_20240302.csv": machines_file(("VM002", "2024-01-01", ""))})
    raw_folder.ingest()
    assert [row["sender"] for row in now(raw_folder).missing] == ["VM002"]
    assert now(raw_folder).unknown_senders == {"machine": ["VM001"]}


def test_the_status_answers_while_a_load_is_under_way(raw_folder: RawFolder) -> None:
    raw_folder.deliver({f"sales_VM001_2024030{d}.csv": sales_file(day=f"2024-03-0{d}") for d in range(1, 6)})
    raw_folder.ingest()
    raw_folder.deliver({"sales_VM001_20240306.csv": sales_file(day="2024-03-06")})
    answers: list[tuple[DeliveryStatus, bool]] = []

    def ask(_: object) -> None:
        answers.append(status(raw_folder.context.warehouse, raw_folder.catalog))

    raw_folder.ingest(watcher=Watcher(on_step=ask))
    assert {is_being_written for _, is_being_written in answers} == {True, False}, "told as such between two truths"
    assert [told.files["loaded"] for told, _ in answers][-1] == 6
    assert answers[0][0].files["loaded"] == 5


def test_the_status_file_tells_what_the_warehouse_would(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"sales_VM001_20240301.csv": sales_file(day="2024-03-01")})
    raw_folder.ingest()
    published = json.loads(raw_folder.context.warehouse.last_status() or "")
    assert published | {"as_of": ""} == json.loads(as_json(now(raw_folder))) | {"as_of": ""}


def test_a_status_lost_in_a_crash_is_shown_by_the_next_run(raw_folder: RawFolder) -> None:
    raw_folder.deliver({"sales_VM001_20240301.csv": sales_file(day="2024-03-01")})
    boundaries: list[str] = []
    raw_folder.ingest(watcher=Watcher(on_step=boundaries.append))
    raw_folder.deliver({"sales_VM001_20240302.csv": sales_file(day="2024-03-02")})
    # A first run prepares the ledger in more than the one step of all later ones.
    committed = 1 + boundaries.index("committed") - boundaries.index("listed")
    assert ingest_until(raw_folder.folder, raw_folder.catalog, kill_at=committed)
    told = json.loads(raw_folder.context.warehouse.last_status() or "")
    assert told["files"]["loaded"] == 1, "it was killed before it could tell"
    assert raw_folder.ingest().loaded == []
    assert json.loads(raw_folder.context.warehouse.last_status() or "")["files"]["loaded"] == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", "売上".encode("cp932")], ids=["empty", "cut off", "list", "no text"]
)
def test_a_damaged_status_file_is_made_again(
    raw_folder: RawFolder, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    raw_folder.deliver({"vending_machines.csv": machines_file(("VM001", "2024-01-01", ""))})
    raw_folder.ingest()
    expected = now(raw_folder)
    (raw_folder.folder / "dbt_dev.status.json").write_bytes(content)
    assert replace(now(raw_folder), as_of="") == replace(expected, as_of="")
    assert ("is damaged" in caplog.text) == (content not in (b"", b"[1]"))
    raw_folder.deliver({"sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01")})
    raw_folder.ingest()
    assert json.loads((raw_folder.folder / "dbt_dev.status.json").read_text())["files"]["loaded"] == 2
