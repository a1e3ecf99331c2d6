"""SQL reads what it needs, and nothing else can be done by it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import LakeLayout
from vending_platform.lake import Lake, LakeError
from vending_platform.lake.changes import append, merge
from vending_platform.lake.sql import parse_as_of, query_lake
from vending_platform.lake.tables import ensure_table
from vending_platform.warehouse import TableName
from vending_platform_tests.lake.lakes import STOCK, contents, found, local_lake, rows, stock_table
from vending_platform_tests.properties import examples

SALES = TableName("gold", "sales")
FIRST = date(2024, 1, 1)
SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("shop", pa.string()),
        ("units", pa.int64()),
        ("price", pa.decimal128(8, 2)),
        ("sold_at", pa.timestamp("us")),
        ("ratio", pa.float64()),
    ]
)


def sales_rows(day: int) -> pa.Table:
    """Ten rows of one day, in a file of their own."""
    at = FIRST + timedelta(day)
    columns = [
        [at] * 10,
        [None if number == 7 else f"s{day}{number}" for number in range(10)],
        [day * 10 + number for number in range(10)],
        [Decimal(day * 100 + number).scaleb(-2) for number in range(10)],
        [datetime(at.year, at.month, at.day, number) for number in range(10)],
        [float("nan") if number == 3 else number / 7 for number in range(10)],
    ]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = local_lake(tmp_path_factory.mktemp("sales"))
    ensure_table(lake, SALES, SCHEMA, LakeLayout())
    for day in range(6):
        append(lake, SALES, sales_rows(day))
    return lake


def files_read(lake: Lake, sql: str) -> list[int]:
    with query_lake(lake, sql) as result:
        result.rows.read_all()
        return [one.files for one in result.scanned]


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        ("day = '2024-01-02'", 1),
        ("date '2024-01-02' < day and day <= date '2024-01-04'", 2),
        ("day between '2024-01-02' and '2024-01-03'", 2),
        ("day in ('2024-01-01', '2024-01-06')", 2),
        ("units > 45 or units < 5", 3),
        ("price >= 5", 1),
        ("sold_at < timestamp '2024-01-02 05:00:00'", 2),
        ("shop = 's31'", 1),
        ("units + 1 = 5", 6),
        ("not units > 45", 6),
        ("ratio > 100", 6),
        ("units = '5'", 6),
        ("shop is null", 6),
    ],
)
def test_a_query_reads_the_files_that_its_conditions_leave(sales: Lake, condition: str, files: int) -> None:
    assert files_read(sales, f"select count(*) from gold.sales where {condition}") == [files]


@pytest.mark.parametrize(
    ("sql", "files"),
    [
        ("select * from sales s left join sales t on s.units = t.units where t.day = '2024-01-02'", 6),
        ("with early as (select * from sales where units < 5) select * from early", 1),
        ("select * from (select * from sales where units < 5) x, (select * from sales where units > 55) y", 2),
        ("with sales as (select 1 as units) select * from sales where units = 1", None),
        ("select * from sales a asof join sales b on a.units >= b.units where a.units < 5", 6),
    ],
)
def test_conditions_count_where_they_are(sales: Lake, sql: str, files: int | None) -> None:
    assert files_read(sales, sql) == ([] if files is None else [files])


COLUMNS: dict[str, st.SearchStrategy[str]] = {
    "day": st.integers(-1, 7).map(lambda day: f"date '{FIRST + timedelta(day)}'"),
    "units": st.integers(-1, 61).map(str),
    "price": st.integers(0, 520).map(lambda cents: str(Decimal(cents).scaleb(-2))),
    "sold_at": st.integers(0, 140).map(lambda hour: f"timestamp '{datetime(2024, 1, 1) + timedelta(hours=hour)}'"),
    "shop": st.sampled_from(["'s11'", "'s59'", "'z'", "''", "'s2'"]),
    "ratio": st.integers(0, 2).map(str),
}
COMPARED = st.sampled_from(sorted(COLUMNS)).flatmap(
    lambda column: st.builds(
        lambda sign, value, swapped: f"{value} {sign} {column}" if swapped else f"{column} {sign} {value}",
        st.sampled_from(["=", "<", "<=", ">", ">=", "<>"]),
        COLUMNS[column],
        st.booleans(),
    )
)
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=4,
)


@examples(12)
@given(condition=CONDITIONS)
def test_no_row_is_left_out_with_a_file(sales: Lake, condition: str) -> None:
    """The same condition where it can't be pushed down: over all rows, as a column."""
    pushed = found(sales, f"select count(*) from sales where {condition}")
    ((count,),) = found(sales, f"select count(*) filter (holds) from (select {condition} as holds from sales)")
    assert pushed == [(count,)]


@pytest.mark.parametrize(
    "sql",
    [
        "drop table gold.sales",
        "insert into gold.sales select * from gold.sales",
        "attach ':memory:' as other",
        "copy (select 1) to 'x.csv'",
        "pragma version",
        "set threads = 1",
        "install httpfs",
        "explain select 1",
        "select 1; select 2",
        "create table x as select 1",
        "call pragma_version()",
    ],
)
def test_only_one_select_is_run(sales: Lake, sql: str) -> None:
    with pytest.raises(LakeError, match="only one SELECT can be run"):
        found(sales, sql)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select * from read_text('/etc/hostname')", "Cannot access file"),
        ("select * from read_csv('/etc/hostname')", "Cannot access file"),
        ("select * from glob('/etc/*')", "Cannot access file"),
        ("select * from '/etc/hostname'", "is not one table of the lake"),
        ("select * from gold.nothing", "the lake has no table gold.nothing; there are: gold.sales"),
        ("select nothing from sales", 'Referenced column "nothing" not found'),
        ("selec 1", "the query can't be understood"),
        ("select 1 / x from (select 'a'::int as x)", "Conversion Error"),
    ],
)
def test_nothing_but_tables_can_be_read(sales: Lake, sql: str, problem: str) -> None:
    with pytest.raises(LakeError, match=problem):
        found(sales, sql)


def test_a_name_in_two_namespaces_needs_its_own(lake: Lake) -> None:
    for namespace in ("staging", "gold"):
        ensure_table(lake, TableName(namespace, "t"), pa.schema([("a", pa.int64())]), LakeLayout())
    with pytest.raises(LakeError, match=r"'t' is not one table of the lake.*there are: staging.t, gold.t"):
        found(lake, "select * from t")
    assert found(lake, "select * from gold.t") == []


def test_an_earlier_state_can_be_read(lake: Lake) -> None:
    stock_table(lake)
    first = append(lake, STOCK, rows((1, "tea", 5)))
    second = merge(lake, STOCK, rows((1, "milk", 6)))
    assert first is not None
    assert second is not None
    assert contents(lake, as_of=first.snapshot_id) == [(1, "tea", 5)]
    between = datetime.fromtimestamp((second.timestamp_ms - 1) / 1000, UTC)
    assert contents(lake, as_of=between) == [(1, "tea", 5)]
    assert contents(lake, as_of=datetime.now(UTC)) == [(1, "milk", 6)]
    with pytest.raises(LakeError, match="had no rows at 2020-01-01 00:00:00"):
        contents(lake, as_of=parse_as_of("2020-01-01"))
    with pytest.raises(LakeError, match="has no snapshot 7; vending lake history"):
        contents(lake, as_of=7)


@pytest.mark.parametrize(
    ("written", "is_meant"),
    [
        ("123", lambda found: found == 123),
        ("2024-03-15", lambda found: found.isoformat() == "2024-03-15T00:00:00+09:00"),
        ("2024-03-15T12:00Z", lambda found: found == datetime(2024, 3, 15, 12, tzinfo=UTC)),
    ],
)
def test_what_as_of_means(written: str, is_meant: Callable[[Any], bool]) -> None:
    assert is_meant(parse_as_of(written))


def test_what_is_neither_a_snapshot_nor_a_time_is_refused() -> None:
    with pytest.raises(LakeError, match="'yesterday' is neither a snapshot's id nor a time"):
        parse_as_of("yesterday")
