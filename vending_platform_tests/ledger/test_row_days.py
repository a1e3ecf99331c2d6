"""The days of the rows of files that say no day, whichever warehouse looks them up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from vending_platform.catalog import SAME_DAY, Catalog, DeliveryMode, Model
from vending_platform.ledger import FILES_SCHEMA, ROW_DAYS, ROW_DAYS_SCHEMA, days_of_rows, note_row_days
from vending_platform.transformation.blocking import BlockedDay, blocks
from vending_platform.transformation.deliveries import read_deliveries
from vending_platform.transformation.input_versions import raw_versions
from vending_platform.transformation.staleness import windows
from vending_platform.warehouse import Change, TableName, Warehouse, Writer
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.properties import examples
from vending_platform_tests.transformation.ledger import note

DAYS = [date(2024, 3, day) for day in range(1, 7)]
PAID = Model("paid", "marts", "model.paid", "incremental", SAME_DAY, frozenset({"payments"}))
RAW = TableName("raw", "payments")
Content = Sequence[date] | None
"""The days that a file's rows are of, or nothing of it can be used."""


def with_payments(catalog: Catalog) -> Catalog:
    sales = catalog.source("sales")
    changes = {"delivery": DeliveryMode.APPEND, "names": ("payments_{any}.csv",), "block_above": 0.5}
    payments = sales.model_copy(update={"name": "payments", "files": sales.files.model_copy(update=changes)})
    return replace(catalog, sources=(*catalog.sources, payments))


def file(path: str, content: Content, state: str = "loaded", number: int = 0) -> dict[str, Any]:
    return dict.fromkeys(FILES_SCHEMA.names) | {
        "source": "payments",
        "path": path,
        "file_id": f"{path}-{number}-{content}",
        "contract_hash": "of its contract",
        "state": "quarantined" if content is None else state,
        "in_raw": content is not None and state == "loaded",
        "modified_at": datetime(2024, 4, 10, tzinfo=UTC),
    }


def load(writer: Writer, catalog: Catalog, now: Mapping[str, Content], before: Mapping[str, Content]) -> None:
    """These files are there now, and were before with another content."""
    files = [file(path, content) for path, content in now.items()]
    files += [file(path, content, "superseded") for path, content in before.items() if content != now.get(path)]
    note(writer, catalog, files)
    schema = pa.schema([("_file_id", pa.string()), ("_business_date", pa.date32())])
    writer.ensure_tables({ROW_DAYS: ROW_DAYS_SCHEMA, RAW: schema})
    rows = [(file(path, days)["file_id"], day) for path, days in now.items() if days is not None for day in days]
    table = pa.table([pa.array(values) for values in zip(*rows, strict=True)], schema) if rows else schema.empty_table()
    gone = writer.query(f"select * from {RAW}").select(["_file_id"])
    writer.publish([Change(RAW, delete=gone, insert=table)], lambda _: None)


def seen(writer: Writer, catalog: Catalog) -> list[tuple[date, bool, int]]:
    return [(one.business_date, one.in_raw, one.count) for one in days_of_rows(writer, catalog)]


def test_a_file_is_looked_into_once_and_forgotten_with_what_rests_on_it(warehouse: Warehouse, catalog: Catalog) -> None:
    catalog = with_payments(catalog)
    first = {"a": [DAYS[0], DAYS[0], DAYS[1]], "b": [DAYS[1]], "c": []}
    broken = first | {"a": None}
    with warehouse.writing("test", lambda _: None) as writer:
        load(writer, catalog, first, {})
        found = [(DAYS[0], True, 1), (DAYS[1], True, 2)]
        before = days_of_rows(writer, catalog)
        assert seen(writer, catalog) == found, "although nobody has noted them yet"
        writer.publish(note_row_days(writer, catalog), lambda _: None)
        assert days_of_rows(writer, catalog) == before
        assert note_row_days(writer, catalog) == []
        noted = writer.query(f"select * from {ROW_DAYS}").to_pylist()
        assert sorted((row["rows"], str(row["business_date"])) for row in noted) == [
            (0, "None"),
            (1, "2024-03-02"),
            (1, "2024-03-02"),
            (2, "2024-03-01"),
        ], "a file without rows was looked into too"

        load(writer, catalog, broken, first)
        writer.publish(note_row_days(writer, catalog), lambda _: None)
        assert seen(writer, catalog) == [(DAYS[0], False, 1), (DAYS[1], False, 1), (DAYS[1], True, 1)]

        load(writer, catalog, {"b": [DAYS[1]]}, {})
        writer.publish(note_row_days(writer, catalog), lambda _: None)
        assert seen(writer, catalog) == [(DAYS[1], True, 1)]
        assert writer.query(f"select count(*) as n from {ROW_DAYS}")["n"].to_pylist() == [1]


def test_the_days_wait_of_which_most_files_can_not_be_used(catalog: Catalog) -> None:
    catalog = with_payments(catalog)
    first: dict[str, Content] = {"a": DAYS[:2], "b": [DAYS[1]], "c": [DAYS[2]]}
    with DuckDBWarehouse(Path("nowhere")).reading() as writer:
        load(writer, catalog, first, {})
        writer.publish(note_row_days(writer, catalog), lambda _: None)
        load(writer, catalog, first | {"a": None}, first)
        found = [b for b in blocks(catalog, read_deliveries(writer, catalog)) if b.source == "payments"]
        assert found == [BlockedDay("payments", DAYS[0], "1 of 1 files are in quarantine, more than 50%")]


contents = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from(DAYS), max_size=4), max_size=3)


@examples(60)
@given(before=contents, after=contents, is_noted=st.booleans())
@example(before={"a": DAYS[:3]}, after={"a": DAYS[1:4], "b": [DAYS[0]]}, is_noted=True)
def test_exactly_the_days_are_stale_that_a_changed_file_has_or_had(
    catalog: Catalog, before: dict[str, list[date]], after: dict[str, list[date]], is_noted: bool
) -> None:
    catalog = with_payments(catalog)
    with DuckDBWarehouse(Path("nowhere")).reading() as writer:
        load(writer, catalog, before, {})
        if is_noted:
            writer.publish(note_row_days(writer, catalog), lambda _: None)
        first = raw_versions(catalog, read_deliveries(writer, catalog))
        load(writer, catalog, after, before)
        second = raw_versions(catalog, read_deliveries(writer, catalog))
    built: dict[tuple[str, date | None], str] = {("paid", day): first.of(PAID, day) for day in first.days_of(PAID)}
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    expected = {day for path in changed for day in (*before.get(path, ()), *after.get(path, ()))}
    in_a_pause = second.days_of(PAID) - first.days_of(PAID)
    stale = {day for window in windows((PAID,), second, built) for day in window.days(PAID)}
    assert stale == expected | in_a_pause
