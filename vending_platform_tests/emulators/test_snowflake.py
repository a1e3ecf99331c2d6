"""The emulated Snowflake does what we rely on, and refuses the rest at once."""

import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

from vending_platform.warehouse import Change, TableName
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.shapes import REVIEWED, shape


@pytest.fixture
def connection(account: Account) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with account.connect() as connection:
        yield connection


@pytest.mark.parametrize("sql", ["select secret from somewhere", "drop database production", "no SQL at all"])
def test_an_unreviewed_statement_is_refused_at_once(
    connection: snowflake.connector.SnowflakeConnection, account: Account, sql: str
) -> None:
    before = account.emulator.statements
    with pytest.raises(ProgrammingError, match=r"no one has reviewed|Invalid expression|syntax"):
        connection.cursor().execute(sql)
    assert account.emulator.statements - before <= 1, "sent once, and not repeated for minutes"


def test_decimals_are_added_exactly(account: Account) -> None:
    """As floats, ten of these add up to 0.9999999999999999."""
    amounts = TableName("raw", "amounts")
    tenths = pa.table({"amount": pa.array([Decimal("0.100000")] * 10, pa.decimal128(18, 6))})
    with account.warehouse().writing("test", lambda _: None) as writer:
        writer.ensure_tables({amounts: tenths.schema})
        writer.publish([Change(amounts, insert=tenths)], lambda _: None)
        assert writer.query(f"select sum(amount) as total from {amounts}")["total"].to_pylist() == [Decimal(1)]


def test_a_failed_statement_does_not_end_the_session(connection: snowflake.connector.SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("begin")
    with pytest.raises(ProgrammingError, match="does not exist"):
        cursor.execute("select * from raw.nowhere")
    cursor.execute("rollback")
    assert cursor.execute("select count(*) as n from information_schema.tables") is not None


STRETCHES = "select n from raw.sales where \"_day\" between date '2024-03-01' and date '2024-03-02'"
FAILING = "select * from ({}) as failing limit 20"
KEYS = 'delete from "RAW"."SALES" where ("A") in ((\'1\'), (\'2\'))'


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (KEYS, 'delete from "RAW"."X" where ("B", "C") in ((null, date \'2024-03-01\'))', True),
        (KEYS, 'delete from "RAW"."SALES"', False),
        ('copy into "RAW"."A" from @s files = (\'a\')', 'copy into "RAW"."A" from @s pattern = \'.*\'', False),
        (STRETCHES, f"{STRETCHES} or \"_day\" between date '2024-03-09' and date '2024-03-10'", True),
        (STRETCHES, f"{STRETCHES} or 1 = 1", False),
        (FAILING.format("select 1 from (select 2) as x"), FAILING.format("with x as (select 3 from y) select 4"), True),
        ("select 'it''s' /* one */ from t", "select 'b\\'s' from t -- two", True),
        ('update "RAW"."_PUBLICATIONS" set number = 1', 'update "RAW"."SALES" set number = 1', False),
    ],
)
def test_a_shape_is_a_statement_without_its_values(one: str, other: str, same: bool) -> None:
    assert (shape(one) == shape(other)) is same


def test_reviewed_statements_are_shapes_without_repetition() -> None:
    assert all(statement == statement.lower().strip() for statement in REVIEWED)


class TestUnloading:
    """As Snowflake does it: COPY INTO a stage, as Parquet."""

    @pytest.fixture
    def connection(self, account: Account) -> Iterator[snowflake.connector.SnowflakeConnection]:
        x, zoned = (TableName("marts", name) for name in ("x", "zoned"))
        schema = pa.schema([("number", pa.int64()), ("at", pa.timestamp("us")), ("share", pa.decimal128(9, 2))])
        rows = [{"number": n, "at": datetime(2024, 3, 1, 0, 0, 0, n), "share": Decimal(n)} for n in (1, 20, 300)]
        with account.warehouse().writing("test", print) as writer:
            writer.ensure_tables({x: schema, zoned: pa.schema([("at", pa.timestamp("us", "UTC"))])})
            writer.publish([Change(x, insert=pa.Table.from_pylist(rows, schema))], lambda _: None)
        with account.connect() as connection:
            yield connection

    def unload(self, connection: snowflake.connector.SnowflakeConnection, options: str, table: str = "x") -> Any:
        sql = f'copy into @"RAW"."_BATCHES"/out/ from (select * from marts.{table}) file_format = (type = parquet)'
        return connection.cursor().execute(f"{sql}{options}").fetchall()  # type: ignore[union-attr]

    def files(self, account: Account) -> dict[str, pa.Table]:
        work = account.work
        found = {file.path: b"".join(work.read_path(file.path)) for file in work.files("publications")}
        return {path: pq.read_table(io.BytesIO(content)) for path, content in sorted(found.items())}

    def test_many_write_at_once_each_a_file_of_its_own_rows(
        self, connection: snowflake.connector.SnowflakeConnection, account: Account
    ) -> None:
        ((rows, _, _),) = self.unload(connection, " header = true")
        files = self.files(account)
        assert rows == 3
        assert {path: table["NUMBER"].to_pylist() for path, table in files.items()} == {
            "publications/out/data_0_0_0.snappy.parquet": [1, 300],
            "publications/out/data_1_0_0.snappy.parquet": [20],
        }
        assert next(iter(files.values())).schema.types == [
            pa.decimal128(3, 0),
            pa.timestamp("ms"),
            pa.decimal128(5, 2),
        ], "no more digits than the values have, and no microseconds"

    def test_a_single_file_without_column_names_on_request(
        self, connection: snowflake.connector.SnowflakeConnection, account: Account
    ) -> None:
        self.unload(connection, " header = true single = true")
        assert [(path, t.num_rows) for path, t in self.files(account).items()] == [("publications/out/data", 3)]
        with pytest.raises(ProgrammingError, match="Files already existing at the unload destination"):
            self.unload(connection, "")
        account.work.delete("publications/out/data")
        self.unload(connection, "")
        assert {tuple(t.column_names) for t in self.files(account).values()} == {("_COL_0", "_COL_1", "_COL_2")}

    def test_a_time_zone_is_refused_and_no_rows_give_no_file(
        self, connection: snowflake.connector.SnowflakeConnection, account: Account
    ) -> None:
        with pytest.raises(ProgrammingError, match="TIMESTAMP_TZ and LTZ types are not supported for unloading"):
            self.unload(connection, "", table="zoned")
        connection.cursor().execute('delete from "MARTS"."X" where ("NUMBER") in ((1), (20), (300))')
        assert self.unload(connection, " header = true") == [(0, 0, 0)]
        assert self.files(account) == {}
