"""The laptop's warehouse keeps tables in shape and changes them as one."""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vending_platform.warehouse import (
    Change,
    DuckDBWarehouse,
    PublishStep,
    TableName,
    Warehouse,
    WarehouseBusy,
    WarehouseError,
    Writer,
)
from vending_platform_tests.warehouse.processes import other_process

SALES = TableName("raw", "sales")
FILES = TableName("raw", "_files")
SCHEMA = pa.schema([("id", pa.string()), ("day", pa.date32()), ("yen", pa.int64())])
MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)
ROWS = [("a", MONDAY, 100), ("b", MONDAY, 200), ("a", TUESDAY, 300)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "dev.duckdb"


@pytest.fixture
def warehouse(path: Path) -> Warehouse:
    return DuckDBWarehouse(path)


def nobody(holder: str) -> None:
    pytest.fail(f"nobody else writes, and still we wait for {holder}")


def ignore(_: PublishStep) -> None:
    pass


def table_of(rows: Iterable[tuple[Any, ...]], schema: pa.Schema = SCHEMA) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def column(name: str, kind: pa.DataType, *values: object) -> pa.Table:
    return pa.table({name: pa.array(values, kind)})


def rows_of(writer: Writer, table: TableName = SALES) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in writer.query(f"select * from {table} order by all").to_pylist()]


def filled(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Put ROWS into the warehouse; they come back as `rows_of` orders them."""
    with warehouse.writing("test", nobody) as writer:
        writer.ensure_tables({SALES: SCHEMA})
        writer.publish([Change(SALES, insert=table_of(ROWS))], ignore)
        return rows_of(writer)


class TestTables:
    def test_they_are_made_with_their_types_and_a_second_time_changes_nothing(self, warehouse: Warehouse) -> None:
        schema = pa.schema(
            [
                ("text", pa.string()),
                ("whole", pa.int64()),
                ("exact", pa.decimal128(9, 6)),
                ("yes", pa.bool_()),
                ("day", pa.date32()),
                ("local", pa.timestamp("us")),
                ("instant", pa.timestamp("us", "UTC")),
            ]
        )
        moment = datetime(2024, 3, 5, 9, 30, 1, 123456)
        row = ("東京", 2**63 - 1, Decimal("139.700001"), True, TUESDAY, moment, moment.replace(tzinfo=UTC))
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: schema, FILES: SCHEMA})
            writer.publish([Change(SALES, insert=table_of([row], schema))], ignore)
            writer.ensure_tables({SALES: schema, FILES: SCHEMA})
            assert rows_of(writer) == [row]
            assert rows_of(writer, FILES) == []
            assert writer.query(f"select * from {SALES}").cast(schema).schema == schema

    def test_a_new_column_is_empty_in_the_rows_that_were_there(self, warehouse: Warehouse) -> None:
        before = filled(warehouse)
        wider = SCHEMA.append(pa.field("note", pa.string())).append(pa.field("hot", pa.bool_()))
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: wider})
            assert rows_of(writer) == [(*row, None, None) for row in before]

    def test_a_column_that_nobody_declares_any_longer_stays(self, warehouse: Warehouse) -> None:
        before = filled(warehouse)
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([SCHEMA.field("id")])})
            assert rows_of(writer) == before

    @pytest.mark.parametrize(
        ("old", "values", "new", "converted"),
        [
            (pa.string(), ["1", "-20", None], pa.int64(), [1, -20, None]),
            (pa.string(), ["2024-03-05"], pa.date32(), [TUESDAY]),
            (pa.int64(), [1, None], pa.string(), ["1", None]),
            (pa.int64(), [99], pa.decimal128(5, 2), [Decimal("99.00")]),
            (pa.decimal128(5, 2), [Decimal("1.50")], pa.decimal128(9, 4), [Decimal("1.5000")]),
            (pa.decimal128(5, 2), [Decimal("1.50")], pa.decimal128(3, 1), [Decimal("1.5")]),
            (pa.decimal128(5, 2), [Decimal("7.00")], pa.int64(), [7]),
            (pa.timestamp("us"), [datetime(2024, 3, 5)], pa.date32(), [TUESDAY]),
            (pa.string(), [], pa.bool_(), []),
        ],
    )
    def test_a_type_changes_where_every_value_survives(
        self, warehouse: Warehouse, old: pa.DataType, values: list[object], new: pa.DataType, converted: list[object]
    ) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([("c", old)])})
            writer.publish([Change(SALES, insert=column("c", old, *values))], ignore)
            writer.ensure_tables({SALES: pa.schema([("c", new)])})
            assert writer.query(f"select c from {SALES}")["c"].to_pylist() == converted

    @pytest.mark.parametrize(
        ("old", "values", "new"),
        [
            (pa.string(), ["1", "many"], pa.int64()),
            (pa.string(), ["1", "1.5"], pa.decimal128(5, 0)),
            (pa.string(), ["7", "007"], pa.int64()),
            (pa.decimal128(5, 2), [Decimal("1.00"), Decimal("1.50")], pa.int64()),
            (pa.int64(), [1, 1000], pa.decimal128(2, 0)),
            (pa.timestamp("us"), [datetime(2024, 3, 5, 9)], pa.date32()),
        ],
    )
    def test_a_type_that_would_change_values_is_refused(
        self, warehouse: Warehouse, old: pa.DataType, values: list[object], new: pa.DataType
    ) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([("c", old)])})
            writer.publish([Change(SALES, insert=column("c", old, *values))], ignore)
            with pytest.raises(WarehouseError, match=r'column c of "raw"."sales" is .* 1 of its values would change'):
                writer.ensure_tables({SALES: pa.schema([("c", new), ("more", pa.string())]), FILES: SCHEMA})
            assert writer.query(f"select * from {SALES}") == column("c", old, *values), "not even one column is new"
            assert not writer.has_table(FILES)


class TestPublishing:
    def test_rows_go_that_equal_a_key_in_all_its_columns(self, warehouse: Warehouse) -> None:
        filled(warehouse)
        keys = pa.table({"day": pa.array([MONDAY, TUESDAY]), "id": ["a", "b"]})
        with warehouse.writing("test", nobody) as writer:
            writer.publish([Change(SALES, delete=keys)], ignore)
            assert rows_of(writer) == [("a", TUESDAY, 300), ("b", MONDAY, 200)]

    def test_rows_that_come_are_not_the_ones_that_go(self, warehouse: Warehouse) -> None:
        filled(warehouse)
        corrected = table_of([("a", MONDAY, 101), ("c", MONDAY, 1)])
        with warehouse.writing("test", nobody) as writer:
            writer.publish([Change(SALES, delete=corrected.select(["id", "day"]), insert=corrected)], ignore)
            assert rows_of(writer) == [("a", MONDAY, 101), ("a", TUESDAY, 300), ("b", MONDAY, 200), ("c", MONDAY, 1)]

    def test_columns_are_matched_by_name_and_a_missing_one_is_empty(self, warehouse: Warehouse) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            writer.publish([Change(SALES, insert=pa.table({"yen": [5], "id": ["z"]}))], ignore)
            assert rows_of(writer) == [("z", None, 5)]

    def test_rows_may_come_in_batches(self, warehouse: Warehouse) -> None:
        batches = table_of(ROWS).to_batches(max_chunksize=1)
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            writer.publish([Change(SALES, insert=pa.RecordBatchReader.from_batches(SCHEMA, batches))], ignore)
            assert rows_of(writer) == sorted(ROWS)

    def test_every_step_is_passed_once_and_in_order(self, warehouse: Warehouse) -> None:
        passed: list[PublishStep] = []
        with warehouse.writing("test", nobody) as writer:
            writer.publish([], passed.append)
        assert passed == list(PublishStep)

    @pytest.mark.parametrize("interrupted", PublishStep)
    def test_an_interruption_leaves_all_tables_as_before_or_as_after(
        self, warehouse: Warehouse, interrupted: PublishStep
    ) -> None:
        before = filled(warehouse)

        def stop(step: PublishStep) -> None:
            if step is interrupted:
                raise KeyboardInterrupt

        changes = [
            Change(SALES, delete=column("id", pa.string(), "a"), insert=table_of([("new", MONDAY, 1)])),
            Change(FILES, insert=table_of([("file", MONDAY, 1)])),
        ]
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({FILES: SCHEMA})
            with pytest.raises(KeyboardInterrupt):
                writer.publish(changes, stop)
            after = interrupted is PublishStep.COMMITTED
            assert rows_of(writer) == ([("b", MONDAY, 200), ("new", MONDAY, 1)] if after else before)
            assert rows_of(writer, FILES) == ([("file", MONDAY, 1)] if after else [])
            if not after:
                writer.publish(changes, ignore)  # the same connection is as good as new
                assert rows_of(writer) == [("b", MONDAY, 200), ("new", MONDAY, 1)]

    def test_rows_that_fail_halfway_leave_nothing(self, warehouse: Warehouse) -> None:
        before = filled(warehouse)

        def broken() -> Iterable[pa.RecordBatch]:
            yield from table_of([("new", MONDAY, 1)]).to_batches()
            raise OSError("the disk is gone")

        changes = [
            Change(SALES, delete=column("id", pa.string(), "a")),
            Change(SALES, insert=pa.RecordBatchReader.from_batches(SCHEMA, broken())),
        ]
        with warehouse.writing("test", nobody) as writer:
            with pytest.raises(Exception, match="the disk is gone"):
                writer.publish(changes, ignore)
            assert rows_of(writer) == before


class TestReading:
    def test_before_anything_was_written_there_are_no_tables(self, warehouse: Warehouse, path: Path) -> None:
        with warehouse.reading() as reader:
            assert not reader.has_table(SALES)
            assert reader.query("select 1 as one").to_pylist() == [{"one": 1}]
        assert not path.exists()

    def test_what_was_committed_can_be_read_by_any_number_of_readers(self, warehouse: Warehouse, path: Path) -> None:
        filled(warehouse)
        with other_process(path, "reading") as other:
            assert other.says() == "open"
            with warehouse.reading() as one, warehouse.reading() as two:
                assert one.has_table(SALES)
                assert two.query(f"select sum(yen) as yen from {SALES}").to_pylist() == [{"yen": 600}]

    def test_a_reader_cannot_write(self, warehouse: Warehouse) -> None:
        filled(warehouse)
        with warehouse.reading() as reader, pytest.raises(Exception, match="read-only"):
            reader.query(f"delete from {SALES} returning id")

    def test_while_another_process_writes_it_is_busy_but_its_last_status_can_be_read(
        self, warehouse: Warehouse, path: Path
    ) -> None:
        filled(warehouse)
        warehouse.publish_status("3 行")
        with other_process(path, "a long load") as other:
            assert other.says() == "open"
            with pytest.raises(WarehouseBusy, match=r"dev\.duckdb"), warehouse.reading():
                pass
            assert warehouse.last_status() == "3 行"
            other.stop()
            with warehouse.reading() as reader:
                assert reader.has_table(SALES)

    def test_while_another_thread_writes_it_is_as_busy(self, warehouse: Warehouse) -> None:
        filled(warehouse)
        with warehouse.writing("test", nobody), pytest.raises(WarehouseBusy), warehouse.reading():
            pass

    def test_a_file_that_is_no_database_is_not_said_to_be_busy(self, warehouse: Warehouse, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(b"no database at all" * 1000)
        with pytest.raises(WarehouseError) as caught, warehouse.reading():
            pass
        assert not isinstance(caught.value, WarehouseBusy)


class TestStatus:
    def test_there_is_none_before_the_first(self, warehouse: Warehouse) -> None:
        assert warehouse.last_status() is None

    def test_the_last_one_counts(self, warehouse: Warehouse, path: Path) -> None:
        filled(warehouse)
        warehouse.publish_status("one")
        warehouse.publish_status("two")
        assert warehouse.last_status() == "two"
        assert sorted(file.name for file in path.parent.iterdir()) == ["dev.duckdb", "dev.lock", "dev.status.json"]


class TestWriting:
    def test_a_reader_that_just_looks_does_not_make_a_writer_fail(self, warehouse: Warehouse, path: Path) -> None:
        filled(warehouse)
        with other_process(path, "reading") as other:
            assert other.says() == "open"
            timer = threading.Timer(0.3, other.stop)
            timer.start()
            try:
                with warehouse.writing("test", lambda _: None) as writer:
                    assert writer.has_table(SALES)
            finally:
                timer.join()

    def test_an_error_of_the_writer_is_told_as_it_is_and_gives_the_warehouse_back(self, warehouse: Warehouse) -> None:
        with pytest.raises(ZeroDivisionError), warehouse.writing("test", nobody):
            raise ZeroDivisionError
        assert len(filled(warehouse)) == len(ROWS)


def test_a_table_name_is_written_so_that_no_word_is_a_keyword() -> None:
    assert f"{TableName('raw', 'order')}" == '"raw"."order"'


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    make: Callable[[Path], Warehouse] = DuckDBWarehouse
    make(tmp_path / "data" / "dev.duckdb")
    assert list(tmp_path.iterdir()) == []
