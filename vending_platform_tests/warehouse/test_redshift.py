"""What is Redshift's own: the Data API and its limits, the fence, the files it loads from, its column types."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from vending_platform.environment import Encryption
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse import Change, PublishStep, TableName, WarehouseError, WarehouseMoved
from vending_platform.warehouse.redshift import DataApi, Exchange, RedshiftWarehouse, dagster_resource, dbt_connection
from vending_platform.warehouse.redshift.failures import failure_of
from vending_platform.warehouse.redshift.health import health_checks
from vending_platform.warehouse.redshift.results import table_of
from vending_platform_tests.emulators.aws import DROPPED, Refusal, Request, times
from vending_platform_tests.emulators.redshift.accounts import RedshiftDatabase
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
)
from vending_platform_tests.warehouse.tables import (
    table_of as rows_as_table,
)


@pytest.fixture
def warehouse(redshift_database: RedshiftDatabase) -> RedshiftWarehouse:
    return redshift_database.warehouse()


def one_more(number: int) -> list[Change]:
    return [Change(SALES, insert=rows_as_table([(f"new{number}", MONDAY, number)]))]


def of(operation: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get("X_AMZ_TARGET", "").endswith(f".{operation}")


class TestPublishing:
    def test_of_two_who_read_the_same_only_the_first_publishes(self, warehouse: RedshiftWarehouse) -> None:
        before = filled(warehouse)
        with warehouse.reserved("test", nobody) as reservation:
            with reservation.writing() as first, reservation.writing() as second:
                first.publish(one_more(1), ignore)
                with pytest.raises(WarehouseMoved, match="another process has published"):
                    second.publish(one_more(2), ignore)
            with reservation.writing() as third:
                assert rows_of(third) == sorted([*before, ("new1", MONDAY, 1)])

    def test_however_many_keys_there_are_exactly_their_rows_go(self, warehouse: RedshiftWarehouse) -> None:
        rows = [(f"it's {number}\\n", MONDAY + timedelta(days=number % 7), number) for number in range(300)]
        keys = rows_as_table(rows[:200]).select(["id", "day"])
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            writer.publish([Change(SALES, insert=rows_as_table(rows))], ignore)
            writer.publish([Change(SALES, delete=keys)], ignore)
            writer.publish([Change(SALES, delete=keys.slice(0, 1)), Change(SALES, delete=keys.slice(0, 0))], ignore)
            assert rows_of(writer) == sorted(rows[200:])

    def test_what_a_crash_left_behind_is_swept_once_it_is_old(self, redshift_database: RedshiftDatabase) -> None:
        filled(redshift_database.warehouse())
        redshift_database.work.write("publications/left.parquet", b"by a crash")
        redshift_database.work.write("quarantine/kept", b"of a delivery")
        redshift_database.behind("create table raw._batch_20240301t000000_0123456789ab_0 (id text)")
        with redshift_database.warehouse(orphaned_after=timedelta(0)).writing("test", nobody) as writer:
            writer.publish([], ignore)
            assert not writer.has_table(TableName("raw", "_batch_20240301t000000_0123456789ab_0"))
            assert writer.has_table(SALES)
        assert [file.path for file in redshift_database.work.files()] == ["quarantine/kept"]

    def test_a_text_that_is_too_long_is_refused_in_one_sentence(self, warehouse: RedshiftWarehouse) -> None:
        before = filled(warehouse)
        long = rows_as_table([("日" * 21_846, MONDAY, 1)])
        with warehouse.writing("test", nobody) as writer:
            with pytest.raises(WarehouseError, match=r"column id has 65538 bytes, and Redshift keeps at most 65535"):
                writer.publish([Change(SALES, insert=long)], ignore)
            assert rows_of(writer) == before

    def test_more_tables_than_a_transaction_holds_are_refused_before_anything(
        self, warehouse: RedshiftWarehouse
    ) -> None:
        changes = [
            Change(SALES, delete=column("id", pa.string(), "a"), insert=rows_as_table(ROWS[:1])) for _ in range(20)
        ]
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: SCHEMA})
            with pytest.raises(WarehouseError, match=r"42 statements, .* at most 40 .*: load fewer sources"):
                writer.publish(changes, ignore)
            assert rows_of(writer) == []

    def test_a_table_that_is_replaced_has_the_new_columns_and_rows_alone(self, warehouse: RedshiftWarehouse) -> None:
        filled(warehouse)
        new = pa.table({"id": ["x"], "yen": pa.array([Decimal("1.50")], pa.decimal128(9, 2)), "hot": [True]})
        with warehouse.writing("test", nobody) as writer:
            for table in (SALES, FILES):
                writer.replace(table, new)
                assert writer.query(f"select id, yen, hot from {table}") == new
                assert set(writer.query(f"select * from {table}").column_names) == {"id", "yen", "hot"}


class Killed(BaseException):
    """As SIGKILL: nothing that the process does from now on has an effect."""


@dataclass
class Life:
    """Ends at the nth request, before or after it has been answered."""

    ends_at: int
    answered: bool
    passed: int = 0
    is_over: bool = False

    def of(self, thing: Any) -> Any:
        return _Mortal(thing, self)

    def request(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.is_over:
            raise Killed
        self.passed += 1
        self.is_over = self.passed == self.ends_at
        if self.is_over and not self.answered:
            raise Killed
        result = call(*args, **options)
        if self.is_over:
            raise Killed
        return result


@dataclass
class _Mortal:
    thing: Any
    life: Life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.thing, name)
        if name in ("get_paginator", "exceptions"):
            return found
        return lambda *args, **options: self.life.request(found, *args, **options)


@dataclass(frozen=True)
class _MortalApi(DataApi):
    life: Life = field(default_factory=lambda: Life(0, answered=False))

    @property
    def _client(self) -> Any:  # type: ignore[override]
        return self.life.of(DataApi(self.target, self.settings)._client)


def ends() -> Iterator[Life]:
    for ends_at in range(1, 60):
        for answered in (False, True):
            yield Life(ends_at, answered)


def test_killed_at_every_request_it_has_published_all_or_nothing(redshift_database: RedshiftDatabase) -> None:
    """From the lease to the last file that is removed: never twice, never half."""
    keys = rows_as_table([*ROWS, *((f"k{number}", MONDAY, 0) for number in range(20))]).select(["id", "day"])
    rows = rows_as_table(ROWS)
    changes = [Change(SALES, delete=keys, insert=rows), *one_more(1), Change(FILES, insert=rows)]
    with redshift_database.warehouse().writing("test", nobody) as writer:
        writer.ensure_tables({SALES: SCHEMA, FILES: SCHEMA})
    after, published = (sorted([*ROWS, ("new1", MONDAY, 1)]), sorted(ROWS)), 0
    for life in ends():
        api = _MortalApi(redshift_database.target, redshift_database.settings, life=life)
        exchange = Exchange(life.of(redshift_database.work), redshift_database.work_url, "default")
        try:
            with RedshiftWarehouse(api, exchange).writing("a load that dies", nobody) as writer:
                writer.publish(changes, ignore)
        except Killed:
            pass
        held = tuple(
            sorted(redshift_database.behind(f"select id, day, yen from raw.{table.name}")) for table in (SALES, FILES)
        )
        assert held in (([], []), after), f"killed at request {life.ends_at}"
        published += held == after
        redshift_database.behind("delete from raw.sales; delete from raw._files")
        redshift_database.behind("update raw._reservation set ends_at = getdate()")
        if life.passed < life.ends_at:
            break
    assert published > 4
    assert life.passed > 15


class TestFailures:
    def test_an_answer_that_is_lost_and_a_request_that_is_throttled_run_once(
        self, redshift_database: RedshiftDatabase
    ) -> None:
        before = filled(redshift_database.warehouse())
        busy = Refusal(400, "ThrottlingException", "Rate exceeded")
        with redshift_database.warehouse().writing("test", nobody) as writer:
            for number, refusal in enumerate((DROPPED, busy)):
                with redshift_database.aws.failing(times(1, refusal, of("BatchExecuteStatement"))):
                    writer.publish(one_more(number), ignore)
            assert rows_of(writer) == sorted([*before, ("new0", MONDAY, 0), ("new1", MONDAY, 1)])

    @pytest.mark.parametrize(
        ("refusal", "sentence"),
        [
            (Refusal(400, "ExpiredTokenException", "expired"), r"credentials can't be used .*: renew them"),
            (Refusal(400, "AccessDeniedException", "no"), r"does not let this role .* needs redshift-data:Execute"),
            (Refusal(400, "ActiveStatementsExceededException", "500"), r"too many statements at once .*: run again"),
            (Refusal(400, "ResourceNotFoundException", "gone"), r"keeps results for 24 hours; run again"),
            (Refusal(400, "ValidationException", "endpoint"), r"can't run a statement in the database .*: .* endpoint"),
        ],
    )
    def test_what_can_not_go_on_ends_in_one_sentence(
        self, redshift_database: RedshiftDatabase, refusal: Refusal, sentence: str
    ) -> None:
        with (
            redshift_database.aws.failing(lambda request: refusal if of("ExecuteStatement")(request) else None),
            redshift_database.warehouse().reading() as reader,
            pytest.raises(WarehouseError, match=sentence),
        ):
            reader.query("select * from raw.sales")

    @pytest.mark.parametrize(
        ("status", "error", "sentence"),
        [
            ("ABORTED", "ERROR: Query cancelled", r"was stopped .* 24 hours"),
            ("FAILED", "ERROR: 1023 Serializable isolation violation on table - 1", r"nothing was changed"),
            ("FAILED", "Query result size exceeds the maximum", r"at most 100 MB; ask for fewer"),
            ("FAILED", "syntax error", r"syntax error \(in: select 1\)"),
        ],
    )
    def test_a_statement_that_fails_says_why(self, status: str, error: str, sentence: str) -> None:
        described = {"Id": "1", "Status": status, "Error": error}
        with pytest.raises(WarehouseError, match=sentence):
            raise failure_of(described, "select 1")

    def test_a_conflict_is_tried_again_and_then_told(self, redshift_database: RedshiftDatabase) -> None:
        paused: list[float] = []
        conflict = "do $$ begin raise exception 'x' using errcode = '40001'; end $$"
        api = DataApi(redshift_database.target, redshift_database.settings, sleep=paused.append)
        emulator = redshift_database.emulator
        emulator.reviewed |= {"do ?", "do $$ begin raise exception ? using errcode = ?; end $$"}
        with pytest.raises(WarehouseError, match="conflict with concurrent transaction; nothing was changed"):
            api.run_together([conflict])
        assert len(paused) == 4

    def test_results_come_in_pages(self, redshift_database: RedshiftDatabase) -> None:
        redshift_database.emulator.data_api.rows_on_a_page = 2
        try:
            assert len(filled(redshift_database.warehouse())) == 3
        finally:
            redshift_database.emulator.data_api.rows_on_a_page = 1000

    def test_no_page_is_a_table_without_columns(self) -> None:
        assert table_of(iter([])).num_rows == 0


class TestTables:
    def test_a_number_gets_more_digits_and_keeps_its_values(self, warehouse: RedshiftWarehouse) -> None:
        with warehouse.writing("test", nobody) as writer:
            writer.ensure_tables({SALES: pa.schema([("c", pa.decimal128(5, 2))])})
            writer.publish([Change(SALES, insert=column("c", pa.decimal128(5, 2), Decimal("1.50")))], ignore)
            writer.ensure_tables({SALES: pa.schema([("c", pa.decimal128(9, 2))])})
            assert writer.query(f"select c from {SALES}") == column("c", pa.decimal128(9, 2), Decimal("1.50"))

    def test_any_other_type_is_changed_in_an_empty_table_only(self, warehouse: RedshiftWarehouse) -> None:
        before = filled(warehouse)
        changed = pa.schema([("id", pa.string()), ("yen", pa.decimal128(9, 2))])
        with warehouse.writing("test", nobody) as writer:
            with pytest.raises(WarehouseError, match=r"column yen of raw\.sales is bigint and should become decimal"):
                writer.ensure_tables({FILES: SCHEMA, SALES: changed})
            assert rows_of(writer) == before
            assert not writer.has_table(FILES)
            writer.publish([Change(SALES, delete=rows_as_table(ROWS).select(["id"]))], ignore)
            writer.ensure_tables({SALES: changed})
            writer.publish([Change(SALES, insert=rows_as_table([("a", TUESDAY, 1)]))], ignore)
            assert writer.query(f"select id, yen from {SALES}").to_pylist() == [{"id": "a", "yen": Decimal("1.00")}]


class TestUnloading:
    def test_production_names_its_key_and_a_text_can_not_end_the_query(
        self, redshift_database: RedshiftDatabase
    ) -> None:
        exchange = Exchange(redshift_database.work, "s3://b/w", "default", Encryption.SSE_KMS, "alias/key")
        statement = exchange._unload_statement(SCHEMA, "select 1", "f")
        assert statement.endswith("format as parquet manifest verbose kms_key_id 'alias/key' encrypted")
        with pytest.raises(WarehouseError, match=r"\$\$"):
            exchange._unload_statement(SCHEMA, "select '$$'", "f")


def test_who_comes_second_waits_and_learns_for_whom(redshift_database: RedshiftDatabase) -> None:
    told: list[str] = []

    def wait(holder: str) -> None:
        told.append(holder)
        redshift_database.behind("update raw._reservation set ends_at = getdate()")

    with (
        redshift_database.warehouse().reserved("the nightly build", nobody),
        redshift_database.warehouse().reserved("a second load", wait),
    ):
        pass
    assert [holder.partition(" (")[0] for holder in told] == ["the nightly build"]


def test_the_doctor_finds_what_is_missing(redshift_database: RedshiftDatabase) -> None:
    environment = redshift_database.aws.environment()
    environment = replace(environment, warehouse=redshift_database.settings)
    answers, setup = health_checks(environment, ())
    assert answers.run() == f"workgroup hinode-libraries-staging, database {redshift_database.name}"
    with pytest.raises(WarehouseError, match=r"missing, .*: raw\._reservation, raw\._publications; docs/redshift"):
        setup.run()
    filled(redshift_database.warehouse())
    assert setup.run() == "the platform's own tables are there"


def test_without_its_extra_the_sentence_says_what_to_install(
    redshift_database: RedshiftDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = dbt_connection(redshift_database.settings, redshift_database.target, {"run_id": "r1"})
    found = connection.variables_of_a_command()
    assert found["DBT_REDSHIFT_PORT"] == str(redshift_database.emulator.port)
    assert found["DBT_REDSHIFT_QUERY_GROUP"] == "run_id=r1"
    monkeypatch.setattr("vending_platform.warehouse.redshift.dbt.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'vending-platform\[redshift\]'"):
        connection.variables_of_a_command()


def test_dagsters_resource_asks_the_same_database(redshift_database: RedshiftDatabase) -> None:
    environment = replace(redshift_database.aws.environment(), warehouse=redshift_database.settings)
    resource = dagster_resource.resource_of(environment)
    filled(redshift_database.warehouse())
    assert resource.query("select * from raw.sales").num_rows == len(ROWS)
    assert dagster_resource.through(environment, resource).warehouse == redshift_database.settings
    with pytest.raises(ConfigurationError, match="its resource has to be a RedshiftResource"):
        dagster_resource.through(environment, object())


def test_every_step_is_passed_although_the_transaction_is_one_request(warehouse: RedshiftWarehouse) -> None:
    passed: list[PublishStep] = []
    with warehouse.writing("test", nobody) as writer:
        writer.publish([], passed.append)
    assert passed == list(PublishStep)
