"""What every warehouse promises: it keeps tables in shape and changes them as one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from vending_platform.warehouse import Change, PublishStep, TableName, Warehouse, Writer, literal, quoted
from vending_platform_tests.warehouse.tables import (
    FILES,
    MONDAY,
    ROWS,
    SALES,
    SCHEMA,
    TUESDAY,
    column,
    filled,
    ignore,
    nobody,
    rows_of,
    table_of,
)


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

    def test_a_table_may_be_in_a_schema_that_nobody_has_named_before(self, warehouse: Warehouse) -> None:
        partners = TableName("partners", "dpc")
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({partners: SCHEMA})
            writer.publish([Change(partners, insert=table_of(ROWS))], ignore)
            writer.ensure_tables({partners: SCHEMA})
            assert rows_of(writer, partners) == sorted(ROWS)

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


class TestAltering:
    def test_a_column_takes_another_name_and_rows_change_with_it(self, warehouse: Warehouse) -> None:
        before = filled(warehouse)
        renamed = pa.schema([SCHEMA.field("id").with_name("name"), *list(SCHEMA)[1:]])
        with warehouse.writing("test", nobody) as writer:
            with writer.altering() as alterations:
                alterations.rename_column(SALES, "id", "name")
                assert alterations.query(f"select * from {SALES}").num_rows == len(before)
                alterations.change_rows([Change(SALES, delete=column("name", pa.string(), "a"))])
                alterations.change_rows([Change(SALES, insert=table_of([("new", MONDAY, 1)], renamed))])
            assert writer.query(f"select * from {SALES}").column_names == renamed.names
            assert rows_of(writer) == [("b", MONDAY, 200), ("new", MONDAY, 1)]

    def test_what_is_done_already_or_not_there_is_passed_over(self, warehouse: Warehouse) -> None:
        before = filled(warehouse)
        with warehouse.writing("test", nobody) as writer:
            for _ in range(2):
                with writer.altering() as alterations:
                    alterations.rename_column(SALES, "id", "name")
                    alterations.rename_column(FILES, "id", "name")
            assert writer.query(f"select * from {SALES}").column_names == ["name", "day", "yen"]
            assert not writer.has_table(FILES)
            assert rows_of(writer) == before

    def test_what_fails_halfway_changes_no_row(self, warehouse: Warehouse) -> None:
        def interrupted(writer: Writer) -> None:
            with writer.altering() as alterations:
                alterations.change_rows([Change(SALES, delete=column("id", pa.string(), "a"))])
                raise KeyboardInterrupt

        before = filled(warehouse)
        with warehouse.writing("test", nobody) as writer:
            with pytest.raises(KeyboardInterrupt):
                interrupted(writer)
            assert rows_of(writer) == before


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


class TestUnloading:
    SCHEMA = pa.schema(
        [
            ("id", pa.int64()),
            ("name", pa.string()),
            ("day", pa.date32()),
            ("yen", pa.decimal128(9, 2)),
            ("hot", pa.bool_()),
            ("sold_at", pa.timestamp("us")),
            ("loaded_at", pa.timestamp("us", "UTC")),
        ]
    )

    def test_rows_leave_as_they_are_read(self, warehouse: Warehouse) -> None:
        early, late = datetime(1969, 12, 31, 23, 59, 59, 123457), datetime(2262, 5, 1, 0, 0, 0, 1)
        rows: list[tuple[object, ...]] = [
            (2**63 - 1, '㈱茶 "濃い"\n\\①', date(1, 1, 1), Decimal("-0.10"), True, early, late.replace(tzinfo=UTC)),
            (-1, "", date(9999, 12, 31), Decimal("9999999.99"), False, late, early.replace(tzinfo=UTC)),
            (0, None, None, None, None, None, None),
        ]
        asked = f"select * from {SALES}"
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: self.SCHEMA})
            writer.publish([Change(SALES, insert=table_of(rows, self.SCHEMA))], ignore)
            left, read = writer.unloaded(asked), writer.query(asked)
        assert left.schema == read.schema
        assert left.sort_by("id").equals(read.sort_by("id"))
        assert left.sort_by("id").cast(self.SCHEMA).equals(table_of(rows, self.SCHEMA).sort_by("id"))

    def test_no_rows_leave_with_their_types(self, warehouse: Warehouse) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: self.SCHEMA})
            left = writer.unloaded(f"select * from {SALES}")
        assert (left.num_rows, left.schema.names) == (0, self.SCHEMA.names)
        assert left.cast(self.SCHEMA).schema == self.SCHEMA


class TestReading:
    def test_a_value_is_written_so_that_it_is_read_as_it_is(self, warehouse: Warehouse) -> None:
        text = "it's C:\\new\\ 東京"
        asked = f"select {literal(text)} as words, {literal(TUESDAY)} as day, {literal(-7)} as number"
        with warehouse.reading() as reader:
            assert reader.query(asked).to_pylist() == [{"words": text, "day": TUESDAY, "number": -7}]

    def test_names_are_read_whatever_their_case_and_come_back_in_lower_case(self, warehouse: Warehouse) -> None:
        filled(warehouse)
        with warehouse.reading() as reader:
            plain = reader.query("select Id, yen as Most from raw.sales order by 1, 2")
            careful = reader.query(f"select {quoted('id')} as id, {quoted('yen')} as most from {SALES} order by 1, 2")
        assert plain.rename_columns([name.lower() for name in plain.column_names]) == careful
        assert careful.column_names == ["id", "most"]
