"""The laptop's warehouse keeps tables in shape and changes them as one."""

import gc
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from vending_platform.warehouse import Change, TableName, Warehouse, WarehouseBusy, WarehouseError
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.warehouse.processes import other_process
from vending_platform_tests.warehouse.tables import (
    FILES,
    ROWS,
    SALES,
    SCHEMA,
    TUESDAY,
    column,
    filled,
    ignore,
    nobody,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "dev.duckdb"


@pytest.fixture
def warehouse(path: Path) -> Warehouse:
    return DuckDBWarehouse(path)


class TestTables:
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
            with pytest.raises(WarehouseError, match=r"column c of raw\.sales is .* 1 of its values would change"):
                writer.ensure_tables({SALES: pa.schema([("c", new), ("more", pa.string())]), FILES: SCHEMA})
            assert writer.query(f"select * from {SALES}") == column("c", old, *values), "not even one column is new"
            assert not writer.has_table(FILES)


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
        warehouse.publish_status(lambda: "3 行")
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
        warehouse.publish_status(lambda: "one")
        warehouse.publish_status(lambda: "two")
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


@pytest.mark.parametrize("size", [0, 5_000, 300_000], ids=["empty", "no database", "cut off"])
def test_a_damaged_file_is_told_in_one_sentence_with_the_way_back(path: Path, size: int) -> None:
    warehouse = DuckDBWarehouse(path)
    with warehouse.writing("test", nobody) as writer:
        writer.ensure_tables({SALES: pa.schema([("n", pa.int64())])})
        writer.publish([Change(SALES, insert=pa.table({"n": pa.array(range(200_000))}))], ignore)
    path.write_bytes(b"x" * 5_000 if size == 5_000 else path.read_bytes()[:size])

    with pytest.raises(WarehouseError) as told, warehouse.reading() as reader:
        reader.query(f"select sum(n) from {SALES}")
    assert str(told.value).startswith(f"{path} can't be ")
    assert "put a backup in its place, or move it away and build it again" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_table_name_is_written_so_that_no_word_is_a_keyword() -> None:
    assert f"{TableName('raw', 'order')}" == '"RAW"."ORDER"'


def test_a_connection_that_was_left_to_the_collector_stops_no_one(tmp_path: Path) -> None:
    path = tmp_path / "dev.duckdb"
    filled(DuckDBWarehouse(path))
    gc.disable()
    try:
        left: dict[str, object] = {"connection": duckdb.connect(path, config={"memory_limit": "900MB"})}
        left["itself"] = left
        del left
        with DuckDBWarehouse(path).reading() as reader:
            assert reader.has_table(SALES)
    finally:
        gc.enable()


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    make: Callable[[Path], Warehouse] = DuckDBWarehouse
    make(tmp_path / "data" / "dev.duckdb")
    assert list(tmp_path.iterdir()) == []
