"""Every type of MySQL at its extremes: what arrives in the warehouse is what the server's own client prints."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import LogicalType, Source
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.extraction.parts import ExtractedDatabase
from vending_platform_tests.properties import examples

pytestmark = pytest.mark.usefixtures("mariadb")

NINES = "9" * 35 + "." + "9" * 30
TEXTS = ["", "NULL", "\\N", "\\", "'\"`", "タブ\tと改行\nと\r", "髙﨑㈱①～－", "𠮷野家😀", " blanks ", "0"]
LONG_TEXTS = ["a" * 250, "a" * 251, "b" * 70_000]
EXTREMES: dict[str, list[str | int | bytes | Decimal]] = {
    "tinyint": [-128, 127, 0],
    "tinyint unsigned": [0, 255],
    "smallint": [-32768, 32767],
    "mediumint unsigned": [0, 16777215],
    "int": [-2147483648, 2147483647],
    "int unsigned zerofill": [0, 7, 4294967295],
    "bigint": [-9223372036854775808, 9223372036854775807],
    "bigint unsigned": [0, 9223372036854775808, 18446744073709551615],
    "decimal(1,0)": [-9, 9],
    "decimal(38,0)": [Decimal("9" * 38), Decimal("-" + "9" * 38)],
    "decimal(38,38)": [Decimal("0." + "9" * 38), Decimal("-0." + "0" * 37 + "1")],
    "decimal(65,30)": [Decimal(NINES), Decimal("-" + NINES), Decimal("0." + "0" * 29 + "1")],
    "decimal(65,0)": [Decimal("9" * 65)],
    "float": ["-3.40282e38", "1.17549e-38", "0.1"],
    "double": ["-1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "1e15"],
    "bit(1)": [0, 1],
    "bit(64)": [0, 18446744073709551615],
    "year": [1901, 2155, 0],
    "date": ["1000-01-01", "9999-12-31", "2024-02-29"],
    "datetime": ["1000-01-01 00:00:00", "9999-12-31 23:59:59"],
    "datetime(6)": ["1000-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999"],
    "timestamp(6) null": ["1970-01-01 00:00:01.000000", "2038-01-19 03:14:07.999999"],
    "time(6)": ["-838:59:59.999999", "838:59:59.999999", "-00:00:00.000001"],
    "char(20)": ["", "半角ｶﾅ", "trailing  "],
    "varchar(250) character set utf8mb4 collate utf8mb4_bin": [*TEXTS, "a" * 250],
    "varchar(60) character set sjis": ["日本語ｶﾅ", "表示", "～"],
    "varchar(60) character set latin1": ["naïve café"],
    "varchar(60) character set ucs2": ["日本語"],
    "mediumtext": [*TEXTS, *LONG_TEXTS],
    "binary(4)": [b"", b"\x00\xff\x00\x01"],
    "varbinary(20)": [b"", b"\\'\x00\n\xfe\xff", b"NULL"],
    "mediumblob": [b"", bytes(range(256)) * 3, b"x" * 70_000],
    "enum('small', 'ラージ', '')": ["small", "ラージ", ""],
    "set('a', 'b', 'c')": ["", "a,c", "a,b,c"],
    "json": ['{"a": [1, null, "日本"], "b": 1e400}', "[]", "null"],
    "uuid": ["123e4567-e89b-12d3-a456-426655440000"],
    "inet6": ["2001:db8::ff00:42:8329"],
}
DATES = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%i:%s.%f", "timestamp": "%Y-%m-%d %H:%i:%s.%f"}


def kind_of(declared: str) -> str:
    return declared.partition("(")[0].partition(" ")[0]


def printed(server: MariaDb, database: str, column: str, declared: str) -> list[str]:
    """The column as the server's client prints it, in the order of the key. Moments are Japan's."""
    kind = kind_of(declared)
    value = f"`{column}`"
    if kind in DATES:
        value = f"date_format({value}, '{DATES[kind]}')"
    elif kind in ("binary", "varbinary", "mediumblob"):
        value = f"hex({value})"
    elif kind == "bit":
        value = f"{value} + 0"
    # In hexadecimal digits, so that no tab or line end is taken for one of the client's own.
    digits = f"hex(convert(cast({value} as char) using utf8mb4))"
    sql = f"set time_zone = '+09:00'; select ifnull({digits}, 'NULL') from t order by id"
    lines = server.client(sql, database).splitlines()
    return ["NULL" if line == "NULL" else bytes.fromhex(line).decode() for line in lines]


def arrived(loaded: list[dict[str, Any]], source: Source, column: str) -> list[str]:
    kind = source.column(column).type.kind
    return [_written(row[column], kind) for row in loaded]


def _written(value: Any, kind: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Decimal):
        return format(value, "f")
    if kind == "timestamp":
        return str(value.isoformat(" ", "microseconds"))
    return value.isoformat() if kind == "date" else str(value)


def assert_exact(extracted: ExtractedDatabase, columns: Sequence[str]) -> None:
    """`columns` are the types of the columns c0, c1, … of the table t."""
    extracted.propose()
    assert extracted.extract().problems == ()
    loaded = extracted.load()
    rejected = loaded.rows("select * from raw._rejected_rows")
    assert rejected == []
    rows = loaded.rows("select * from raw.db_t order by id")
    for number, declared in enumerate(columns):
        name = f"c{number}"
        expected = printed(extracted.server, extracted.database, name, declared)
        found = arrived(rows, extracted.source("t"), name)
        if "zerofill" in declared or declared == "year":  # numbers, which the client pads with zeros
            expected = [text if text == "NULL" else str(int(text)) for text in expected]
        assert found == expected, declared


def make_table(extracted: ExtractedDatabase, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    declared = ", ".join(f"c{number} {kind}" for number, kind in enumerate(columns))
    extracted.run(f"create table t (id int primary key, {declared}) default character set utf8mb4")
    marks = ", ".join(["%s"] * (len(columns) + 1))
    with extracted.server.connect(extracted.database) as connection, connection.cursor() as cursor:
        cursor.execute("set time_zone = '+00:00'")
        for number, row in enumerate(rows):
            cursor.execute(f"insert into t values ({marks})", (number, *row))


def test_every_type_at_its_extremes_is_what_the_client_prints(extracted: ExtractedDatabase) -> None:
    longest = max(map(len, EXTREMES.values()))
    rows = [[values[n] if n < len(values) else None for values in EXTREMES.values()] for n in range(longest + 1)]
    make_table(extracted, list(EXTREMES), rows)
    assert_exact(extracted, list(EXTREMES))


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
RANDOM: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "bigint unsigned": st.integers(0, 2**64 - 1),
    "decimal(20,7)": st.decimals(-(10**12), 10**12, places=7),
    "decimal(65,30)": st.decimals(-(10**34), 10**34, places=30),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "varchar(40) character set utf8mb4": WORDS,
    "mediumblob": st.binary(max_size=300),
    "date": st.dates(datetime(1000, 1, 1).date()),
    "datetime(6)": MOMENTS,
    "timestamp(6) null": st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)),
    "bit(33)": st.integers(0, 2**33 - 1),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[object]]]:
    columns = draw(st.lists(st.sampled_from(list(RANDOM)), min_size=1, max_size=8))
    row = st.tuples(*(st.none() | RANDOM[kind] for kind in columns)).map(list)
    return columns, draw(st.lists(row, max_size=20))


@given(tables())
@examples(6)
def test_random_tables_arrive_exactly(
    mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory, table: tuple[list[str], list[list[object]]]
) -> None:
    columns, rows = table
    name = f"t{uuid4().hex[:12]}"
    mariadb.run(f"create database {name} character set utf8mb4")
    extracted = ExtractedDatabase(mariadb, name, tmp_path_factory.mktemp("random"))
    try:
        make_table(extracted, columns, rows)
        assert_exact(extracted, columns)
    finally:
        mariadb.run(f"drop database {name}")


def retype(extracted: ExtractedDatabase, **types: LogicalType) -> None:
    """The contract of the table t declares these columns as something else."""
    (source,) = extracted.sources
    columns = tuple(
        column.model_copy(update={"type": types[column.name]}) if column.name in types else column
        for column in source.columns
    )
    extracted.sources = (source.model_copy(update={"columns": columns}),)


def test_a_date_that_is_none_rejects_its_row_by_name_and_no_other(extracted: ExtractedDatabase) -> None:
    make_table(extracted, ["date", "datetime", "timestamp null"], [["2024-01-05", "2024-01-05 10:00:00", None]] * 4)
    extracted.run(
        "insert into t values (7, '0000-00-00', '2024-01-05 10:00:00.5', '2024-01-05 10:00:00')",
        "insert into t values (8, '2024-02-00', '0000-00-00 00:00:00', '0000-00-00')",
    )
    extracted.propose()
    extracted.extract()
    loaded = extracted.load()
    reasons = [row["reason"] for row in loaded.rows("select reason from raw._rejected_rows order by line")]
    assert "c0 '0000-00-00' is not a valid date" in reasons[0]
    assert all(part in reasons[1] for part in ("c0 '2024-02-00'", "c1 '0000-00-00 00:00:00.0'", "c2 '0000-00-00"))
    row, *others = loaded.rows("select * from raw.db_t")
    assert len(others) == 3
    assert (row["c0"].isoformat(), row["c1"].isoformat()) == ("2024-01-05", "2024-01-05T10:00:00")


def test_a_contract_of_text_keeps_what_no_type_holds(extracted: ExtractedDatabase) -> None:
    make_table(extracted, ["date"], [["0000-00-00"]])
    extracted.propose()
    retype(extracted, c0=LogicalType("text"))
    extracted.extract()
    assert extracted.load().rows("select c0 from raw.db_t") == [{"c0": "0000-00-00"}]


def test_a_number_that_the_contract_can_not_hold_rejects_its_row_by_name(extracted: ExtractedDatabase) -> None:
    make_table(
        extracted, ["bigint unsigned", "decimal(65,30)"], [[2**64 - 1, 1], [5, Decimal("0." + "1" * 30)], *[[6, 2]] * 4]
    )
    extracted.propose()
    retype(extracted, c0=LogicalType("integer"), c1=LogicalType("decimal", 10, 2))
    extracted.extract()
    loaded = extracted.load()
    reasons = " ".join(row["reason"] for row in loaded.rows("select reason from raw._rejected_rows"))
    assert "c0 '18446744073709551615' is not a whole number" in reasons
    assert "c1 '0.111111111111111111111111111111' is not a valid number" in reasons


def test_rows_longer_than_a_packet_arrive(extracted: ExtractedDatabase) -> None:
    extracted.server.run("set global max_allowed_packet = 67108864")
    extracted.run("create table t (id int primary key, word longtext)")
    extracted.run("insert into t values (1, repeat('あ', 11000000)), (2, 'short'), (3, repeat('x', 16777205))")
    extracted.propose()
    extracted.extract()
    found = {row[0]: row[1] for row in extracted.now("t")}
    assert (found["1"], found["2"], found["3"]) == ("あ" * 11_000_000, "short", "x" * 16_777_205)


def test_moments_are_those_of_utc(extracted: ExtractedDatabase) -> None:
    make_table(extracted, ["timestamp null"], [["2024-01-05 15:30:00"]])
    extracted.propose()
    extracted.extract()
    (row,) = extracted.load().rows("select c0 from raw.db_t")
    assert row["c0"] == datetime(2024, 1, 6, 0, 30), "Japan is nine hours ahead"
