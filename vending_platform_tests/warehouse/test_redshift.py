"""What is Redshift's own: the Data API and its limits, the fence, the files it loads from, its column types."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from vending_platform.environment import Encryption
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse import Change, PublishStep, TableName, WarehouseError, WarehouseMoved
from vending_platform.warehouse.redshift import Exchange, RedshiftWarehouse, dagster_resource, dbt_connection
from vending_platform.warehouse.redshift.health import health_checks
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
    holders: list[str] = []

    def wait(holder: str) -> None:
        holders.append(holder)
        redshift_database.behind("update raw._reservation set ends_at = getdate()")

    with (
        redshift_database.warehouse().reserved("the nightly build", nobody),
        redshift_database.warehouse().reserved("a second load", wait),
    ):
        pass
    assert [holder.partition(" (")[0] for holder in holders] == ["the nightly build"]


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
