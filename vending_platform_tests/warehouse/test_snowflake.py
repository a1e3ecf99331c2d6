"""What is Snowflake's own: its lease, its numbered publications, the files it loads from, its column types."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from vending_platform.warehouse import Change, PublishStep, WarehouseError, WarehouseMoved, Writer, lease
from vending_platform.warehouse.snowflake import SnowflakeWarehouse
from vending_platform.warehouse.snowflake.lease import SnowflakeLease as Lease
from vending_platform.warehouse.snowflake.session import Session, combine_chunks, connector
from vending_platform.warehouse.snowflake.stage import STAGE
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.keys import private_key
from vending_platform_tests.emulators.snowflake import Emulator
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


@pytest.fixture
def warehouse(account: Account) -> SnowflakeWarehouse:
    return account.warehouse()


@dataclass
class Clock:
    """Of the emulated Snowflake and of the lease, which can be put forward."""

    emulator: Emulator
    sleep: Callable[[float], None] = time.sleep

    def monotonic(self) -> float:
        return time.monotonic() + self.emulator.ahead

    def advance(self, seconds: int) -> None:
        self.emulator.ahead += seconds


@pytest.fixture
def clock(account: Account, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(account.emulator, "ahead", 0)
    clock = Clock(account.emulator)
    monkeypatch.setattr(lease, "time", clock)
    return clock


def one_more(number: int) -> list[Change]:
    return [Change(SALES, insert=table_of([(f"new{number}", MONDAY, number)]))]


class TestPublishing:
    def test_of_two_who_read_the_same_only_the_first_publishes(self, warehouse: SnowflakeWarehouse) -> None:
        before = filled(warehouse)
        with warehouse.reserved("test", nobody) as reservation:
            with reservation.writing() as first, reservation.writing() as second:
                first.publish(one_more(1), ignore)
                with pytest.raises(WarehouseMoved, match="another process has published"):
                    second.publish(one_more(2), ignore)
                first.publish(one_more(3), ignore)
            with reservation.writing() as third:
                assert rows_of(third) == sorted([*before, ("new1", MONDAY, 1), ("new3", MONDAY, 3)])

    def test_of_two_at_the_same_moment_one_waits_and_then_is_second(self, warehouse: SnowflakeWarehouse) -> None:
        before = filled(warehouse)
        begun, tried = threading.Event(), threading.Event()
        moved: list[WarehouseMoved] = []

        def publish_second(writer: Writer) -> None:
            begun.wait(10)
            try:
                tried.set()
                writer.publish(one_more(2), ignore)
            except WarehouseMoved as error:
                moved.append(error)

        def while_the_other_tries(step: PublishStep) -> None:
            if step is PublishStep.BEGUN:
                begun.set()
                tried.wait(10)
                time.sleep(0.3)

        with (
            warehouse.reserved("test", nobody) as reservation,
            reservation.writing() as first,
            reservation.writing() as second,
        ):
            other = threading.Thread(target=publish_second, args=[second])
            other.start()
            first.publish(one_more(1), while_the_other_tries)
            other.join()
            assert len(moved) == 1
            assert rows_of(first) == sorted([*before, ("new1", MONDAY, 1)])

    @pytest.mark.parametrize("many", [3, 1000])
    def test_however_many_keys_there_are_exactly_their_rows_go(self, warehouse: SnowflakeWarehouse, many: int) -> None:
        days = [MONDAY + timedelta(days=number % 7) for number in range(2 * many)]
        rows = [(f"it's {number}\\n", day, number) for number, day in enumerate(days)]
        keys = table_of(rows[:many]).select(["id", "day"])
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            writer.publish([Change(SALES, insert=table_of(rows))], ignore)
            writer.publish([Change(SALES, delete=keys)], ignore)
            assert sorted(rows_of(writer)) == sorted(rows[many:])

    def test_what_is_deleted_by_day_is_told_as_a_range_of_days(
        self, warehouse: SnowflakeWarehouse, account: Account
    ) -> None:
        filled(warehouse)
        with warehouse.writing("test", nobody) as writer:
            writer.publish([Change(SALES, delete=table_of(ROWS).select(["id", "day"]))], ignore)
        deleted = [sent.sql for sent in account.emulator.sent if sent.sql.startswith(f"delete from {SALES}")][-1]
        assert deleted.endswith("\"DAY\" between date '2024-03-04' and date '2024-03-05'")

    def test_no_file_and_no_table_stays_behind(self, warehouse: SnowflakeWarehouse, account: Account) -> None:
        filled(warehouse)
        keys = table_of([(str(number), MONDAY, 0) for number in range(500)])
        with warehouse.writing("test", nobody) as writer:
            writer.publish([Change(SALES, delete=keys, insert=keys)], ignore)
            with pytest.raises(ZeroDivisionError):
                writer.publish([Change(SALES, delete=keys, insert=keys)], lambda _: 1 / 0)  # type: ignore[arg-type]
        assert list(account.work.files()) == []
        tables = account.emulator.behind(
            account.database, "select table_name from duckdb_tables() where table_name like '_KEYS%'"
        )
        assert tables == []

    def test_what_a_crash_left_behind_is_swept_once_it_is_old(self, account: Account) -> None:
        account.work.write("publications/left.parquet", b"by a crash")
        account.work.write("quarantine/kept", b"of a delivery")
        filled(account.warehouse())
        assert [file.path for file in account.work.files("publications")] == ["publications/left.parquet"]
        with account.warehouse(orphaned_after=timedelta(0)).writing("test", nobody) as writer:
            writer.publish([], ignore)
        assert [file.path for file in account.work.files()] == ["quarantine/kept"]

    def test_rows_in_pieces_are_never_in_memory_together(self, warehouse: SnowflakeWarehouse) -> None:
        piece = pa.record_batch([pa.array([bytes(1000).hex()] * 1000)], names=["id"])
        most = 0

        def pieces() -> Iterable[pa.RecordBatch]:
            nonlocal most
            for _ in range(40):
                most = max(most, pa.total_allocated_bytes())
                yield piece

        before = pa.total_allocated_bytes()
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            writer.publish([Change(SALES, insert=pa.RecordBatchReader.from_batches(piece.schema, pieces()))], ignore)
            assert writer.query(f"select count(*) as n from {SALES}").to_pylist() == [{"n": 40_000}]
        assert most - before < 20 * piece.nbytes


class TestReserving:
    def test_who_comes_second_waits_and_is_told_for_whom(self, account: Account) -> None:
        told: list[str] = []
        inside = threading.Event()

        def second() -> None:
            with account.warehouse().reserved("a second load", told.append):
                inside.set()

        with account.warehouse().reserved("the nightly build", nobody):
            thread = threading.Thread(target=second)
            thread.start()
            while not told:
                time.sleep(0.01)
            assert not inside.is_set()
        thread.join()
        assert inside.is_set()
        assert told[0].startswith("the nightly build (since 2")

    def test_a_lease_is_renewed_for_as_long_as_it_is_used(
        self, account: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lease, "_RENEWALS", 6000)
        renewed = threading.Event()
        change = Lease._set

        def renew(self: Lease, values: str, condition: str) -> bool:
            changed = change(self, values, condition)
            renewed.set()
            return changed

        monkeypatch.setattr(Lease, "_set", renew)
        with account.warehouse(lease=60).reserved("long", nobody) as reservation:
            for _ in range(3):
                clock.advance(40)
                for _ in range(2):  # the first may have begun before the clock went on
                    renewed.clear()
                    assert renewed.wait(120)
            with reservation.writing() as writer:
                writer.publish([], ignore)

    def test_who_vanishes_holds_others_up_until_its_lease_is_over(
        self, account: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed in the middle of a publication: its transaction is open, and nobody renews its lease."""
        before = filled(account.warehouse())
        told: list[str] = []
        monkeypatch.setattr(account.emulator, "idle_timeout", 0.5)

        def wait(holder: str) -> None:
            told.append(holder)
            clock.advance(61)

        with monkeypatch.context() as dead:
            dead.setattr(Lease, "renew_until_released", lambda self: None)
            dead.setattr(Lease, "free", lambda self: None)
            dead.setattr("snowflake.connector.SnowflakeConnection.close", lambda self: None)
            run = Session.run
            dead.setattr(Session, "run", lambda self, sql: 0 if sql == "rollback" else run(self, sql))
            with (
                pytest.raises(KeyboardInterrupt),
                account.warehouse(lease=60).writing("a load that dies", nobody) as writer,
            ):
                writer.publish(one_more(1), _die_at_inserted)
        with account.warehouse().writing("the next", wait) as writer:
            assert rows_of(writer) == before
            writer.publish(one_more(2), ignore)
            assert rows_of(writer) == sorted([*before, ("new2", MONDAY, 2)])
        assert [holder.partition(" (")[0] for holder in told] == ["a load that dies"]

    def test_who_was_held_up_longer_than_its_lease_does_not_publish(
        self, account: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Lease, "renew_until_released", lambda self: None)
        with account.warehouse(lease=60).writing("asleep", nobody) as sleeper:
            clock.advance(61)
            with account.warehouse().writing("awake", nobody) as awake:
                awake.ensure_tables({SALES: SCHEMA})
                awake.publish(one_more(1), ignore)
            with pytest.raises(WarehouseMoved, match="asleep was suspended"):
                sleeper.publish(one_more(2), ignore)
            assert rows_of(sleeper) == [("new1", MONDAY, 1)]


def _die_at_inserted(step: PublishStep) -> None:
    if step is PublishStep.INSERTED:
        raise KeyboardInterrupt


class TestTables:
    def test_a_number_gets_more_digits_in_place(self, warehouse: SnowflakeWarehouse) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([("c", pa.decimal128(5, 2))])})
            writer.publish([Change(SALES, insert=column("c", pa.decimal128(5, 2), Decimal("1.50")))], ignore)
            writer.ensure_tables({SALES: pa.schema([("c", pa.decimal128(9, 2))])})
            assert writer.query(f"select c from {SALES}") == column("c", pa.decimal128(9, 2), Decimal("1.50"))

    def test_any_other_type_is_changed_in_an_empty_table_only(self, warehouse: SnowflakeWarehouse) -> None:
        before = filled(warehouse)
        changed = pa.schema([("id", pa.string()), ("yen", pa.decimal128(9, 2)), ("more", pa.string())])
        with warehouse.writing("test", nobody) as writer:
            with pytest.raises(WarehouseError, match=r"column yen of raw\.sales is NUMBER\(38,0\) and should become"):
                writer.ensure_tables({FILES: SCHEMA, SALES: changed})
            assert rows_of(writer) == before, "not even one column is new"
            assert not writer.has_table(FILES)
            writer.publish([Change(SALES, delete=table_of(ROWS).select(["id"]))], ignore)
            writer.ensure_tables({SALES: changed})
            writer.publish([Change(SALES, insert=table_of([("a", TUESDAY, 1)]))], ignore)
            assert writer.query(f"select id, day, yen, more from {SALES}").to_pylist() == [
                {"id": "a", "day": TUESDAY, "yen": Decimal("1.00"), "more": None}
            ]


class TestReading:
    def test_a_reader_sees_the_last_committed_state_while_somebody_publishes(
        self, warehouse: SnowflakeWarehouse
    ) -> None:
        before, seen = filled(warehouse), []

        def look(step: PublishStep) -> None:
            if step is PublishStep.INSERTED:
                with warehouse.reading() as reader:
                    seen.append(reader.query(f"select count(*) as n from {SALES}")["n"][0].as_py())

        with warehouse.writing("test", nobody) as writer:
            writer.publish(one_more(1), look)
        assert seen == [len(before)]

    def test_an_empty_result_has_its_types_and_names_are_in_lower_case(self, warehouse: SnowflakeWarehouse) -> None:
        filled(warehouse)
        with warehouse.reading() as reader:
            nothing = reader.query(f"select Id, day, YEN, yen / 8 as share from {SALES} where id = 'z'")
        assert nothing.schema.names == ["id", "day", "yen", "share"]
        assert nothing.schema.types[:3] == SCHEMA.types

    def test_before_anything_was_written_there_are_no_tables(self, warehouse: SnowflakeWarehouse) -> None:
        with warehouse.reading() as reader:
            assert not reader.has_table(SALES)


class TestUnloading:
    def test_rows_leave_by_files_of_their_own_and_nothing_stays_behind(
        self, warehouse: SnowflakeWarehouse, account: Account
    ) -> None:
        before = filled(warehouse)
        account.emulator.sent.clear()
        with warehouse.reading() as reader:
            twice = [reader.unloaded(f"select * from {SALES}") for _ in range(2)]
        sent = [sent.sql for sent in account.emulator.sent if sent.sql.startswith("copy into")]
        folders = {sql.partition(" from ")[0] for sql in sent}
        assert len(folders) == 2, "one that is still being written is not taken for another's"
        assert all(folder.startswith(f"copy into @{STAGE}/unloaded_2") for folder in folders)
        assert [sorted(zip(*(c.to_pylist() for c in rows.columns), strict=True)) for rows in twice] == [before] * 2
        assert list(account.work.files()) == []

    def test_however_few_digits_a_file_has_for_a_number_the_column_has_its_own(self) -> None:
        """Of two files one needs few digits, and one more than an integer has."""
        large = Decimal(3 * (2**63 - 1))
        few = pa.chunked_array([pa.array([Decimal(7), None], pa.decimal128(1, 0))])
        many = pa.chunked_array([pa.array([large], pa.decimal128(20, 0))])
        assert combine_chunks([few, few], pa.int64()) == pa.chunked_array([[7, None], [7, None]], pa.int64())
        assert combine_chunks([few, many], pa.int64()).to_pylist() == [7, None, large]
        assert combine_chunks([few], pa.decimal128(9, 2)).type == pa.decimal128(9, 2)

    def test_files_that_do_not_hold_what_snowflake_says_are_used_for_nothing(
        self, warehouse: SnowflakeWarehouse, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(warehouse)
        report = Session.report

        def and_another_process_deletes_one(session: Session, sql: str) -> dict[str, object]:
            values = report(session, sql)
            account.work.delete(next(file.path for file in account.work.files()))
            return values

        monkeypatch.setattr(Session, "report", and_another_process_deletes_one)
        with warehouse.reading() as reader, pytest.raises(WarehouseError, match=r"unloaded 3 rows .* have [12];"):
            reader.unloaded(f"select * from {SALES}")
        assert list(account.work.files()) == []

    def test_what_a_killed_export_left_in_the_stage_is_swept_with_the_rest(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(account.warehouse())
        with monkeypatch.context() as killed:
            killed.setattr(type(account.work), "delete", lambda self, path: None)
            with account.warehouse().reading() as reader:
                reader.unloaded(f"select * from {SALES}")
        assert len(list(account.work.files("publications"))) == 2
        with account.warehouse(orphaned_after=timedelta(0)).writing("test", nobody) as writer:
            writer.publish([], ignore)
        assert list(account.work.files()) == []


class TestConnecting:
    def test_a_query_carries_the_tag_and_the_key_is_fetched_when_it_is_used(self, account: Account) -> None:
        fetched: list[str] = []

        def fetch() -> str:
            fetched.append("key")
            return private_key()

        connect = connector(account.settings, fetch, {"run_id": "r1", "asset": "raw/sales"}, endpoint=account.endpoint)
        assert fetched == []
        with connect() as connection:
            assert fetched == ["key"]
            told = connection._session_parameters
        assert told is not None
        assert told["QUERY_TAG"] == '{"asset": "raw/sales", "run_id": "r1"}'
        assert "PRIVATE KEY" not in repr(connect)

    def test_the_connector_is_told_to_leave_decimals_exact(self, account: Account) -> None:
        with connector(account.settings, private_key, {}, endpoint=account.endpoint)() as connection:
            assert not connection.arrow_number_to_decimal
            Session(connection)
            assert connection.arrow_number_to_decimal

    def test_a_day_before_the_epoch_and_one_far_ahead_come_back_as_they_are(
        self, warehouse: SnowflakeWarehouse
    ) -> None:
        days = [date(1, 1, 1), date(9999, 12, 31), None]
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([("c", pa.date32())])})
            writer.publish([Change(SALES, insert=column("c", pa.date32(), *days))], ignore)
            assert set(writer.query(f"select c from {SALES}")["c"].to_pylist()) == set(days)
