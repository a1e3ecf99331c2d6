"""The emulated Snowflake does what we rely on, and refuses the rest at once."""

import io
import time
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.shapes import REVIEWED, shape


@pytest.fixture
def connection(account: Account) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with account.connect() as connection:
        yield connection


@pytest.mark.parametrize("sql", ["select secret from somewhere", "drop database production", "no SQL at all"])
def test_what_nobody_has_reviewed_is_refused_at_once(
    connection: snowflake.connector.SnowflakeConnection, sql: str
) -> None:
    began = time.monotonic()
    with pytest.raises(ProgrammingError, match=r"nobody has reviewed|Invalid expression|syntax"):
        connection.cursor().execute(sql)
    assert time.monotonic() - began < 5


def test_what_fails_does_not_end_the_session(connection: snowflake.connector.SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("begin")
    with pytest.raises(ProgrammingError, match="does not exist"):
        cursor.execute("select * from raw.nowhere")
    cursor.execute("rollback")
    assert cursor.execute("select count(*) as n from information_schema.tables") is not None


KEYS = 'delete from "RAW"."SALES" where ("A") in ((\'1\'), (\'2\'))'


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (KEYS, 'delete from "RAW"."X" where ("B", "C") in ((null, date \'2024-03-01\'))', True),
        (KEYS, 'delete from "RAW"."SALES"', False),
        ('copy into "RAW"."A" from @s files = (\'a\')', 'copy into "RAW"."A" from @s pattern = \'.*\'', False),
        ("select 'it''s' /* one */ from t", "select 'b\\'s' from t -- two", True),
        ('update "RAW"."_PUBLICATIONS" set number = 1', 'update "RAW"."SALES" set number = 1', False),
    ],
)
def test_a_shape_is_a_statement_without_its_values(one: str, other: str, same: bool) -> None:
    assert (shape(one) == shape(other)) is same


def test_reviewed_statements_are_shapes_and_say_nothing_twice() -> None:
    assert all(statement == statement.lower().strip() for statement in REVIEWED)


def test_rows_are_unloaded_to_the_stage_as_parquet(account: Account) -> None:
    with account.warehouse().reserved("test", print):
        pass
    with account.connect() as connection:
        connection.cursor().execute(
            'copy into @"RAW"."_BATCHES"/out/ from (select * from raw._publications)'
            " file_format = (type = parquet) header = true overwrite = true"
        )
    (file,) = account.work.files("publications")
    assert file.path == "publications/out/data_0_0_0.snappy.parquet"
    rows = pq.read_table(io.BytesIO(b"".join(account.work.read_path(file.path))))
    assert rows.to_pylist() == [{"NUMBER": 0}]
