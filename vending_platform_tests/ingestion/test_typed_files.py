"""Parquet and JSON lines have types of their own. Nothing is narrowed in silence: what the contract can't hold is
refused with its file, or rejected with its row, and says why. Compressed files are what is in them."""

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vending_platform.catalog import Catalog, catalog_of
from vending_platform.ingestion import check
from vending_platform.ingestion.reading import content
from vending_platform.ledger import FileState
from vending_platform_tests.catalog.test_contract import MISSING, but, manifest_of
from vending_platform_tests.ingestion.raw_folder import RawFolder

ORDERS: dict[str, Any] = {
    "files": {
        "names": ["orders_{any}.parquet"],
        "delivery": "append",
        "key": ["id"],
        "format": "parquet",
        "refuse_above": "100%",
    },
    "columns": {
        "id": {"data_type": "text", "required": True},
        "amount": {"data_type": "decimal(6,2)"},
        "quantity": {"data_type": "integer", "range": {"min": 1}},
        "is_paid": {"data_type": "boolean"},
        "due_on": {"data_type": "date"},
        "ordered_at": {"data_type": "timestamp"},
        "city": {"data_type": "text", "path": "$.customer.address.city"},
    },
}
AS_JSON = but(
    ORDERS,
    {
        "files.names": ["orders_{any}.jsonl", "orders_{any}.jsonl.gz", "orders_{any}.jsonl.zst"],
        "files.format": "jsonl",
        "columns.ordered_at.formats": ["%Y-%m-%dT%H:%M:%S%z"],
    },
)
AS_CSV = but(
    ORDERS,
    {
        "files.names": ["orders_{any}.csv", "orders_{any}.csv.gz"],
        "files.format": "csv",
        "columns.city.path": MISSING,
    },
)
COLUMNS = "id, amount, quantity, is_paid, due_on, ordered_at, city"
MOMENT = datetime(2024, 3, 5, 1, 2, 3, 456789, UTC)
ROW = ("a", Decimal("1234.50"), 7, True, date(2024, 3, 5), datetime(2024, 3, 5, 10, 2, 3, 456789), "Kyoto")
"""As Japan's clocks show it."""
GOOD = {
    "id": pa.array(["a"]),
    "amount": pa.array([Decimal("1234.50")], pa.decimal128(6, 2)),
    "quantity": pa.array([7], pa.int16()),
    "is_paid": pa.array([True]),
    "due_on": pa.array([date(2024, 3, 5)]),
    "ordered_at": pa.array([MOMENT], pa.timestamp("us", "UTC")),
    "customer": pa.array([{"address": {"city": "Kyoto"}}]),
}


@pytest.fixture
def orders(tmp_path: Path) -> RawFolder:
    catalog = catalog_of(manifest_of(orders=ORDERS, as_json=AS_JSON, as_csv=AS_CSV))
    (tmp_path / "sources").mkdir()
    return RawFolder(tmp_path, catalog)


def parquet(columns: dict[str, pa.Array], **options: Any) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written, **options)
    return written.getvalue()


def lines(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def checked(tmp_path: Path, catalog: Catalog, name: str, data: bytes) -> tuple[str | None, list[str]]:
    """Why all of it is refused, and of each rejected row why."""
    path = tmp_path / name
    path.write_bytes(data)
    found = check(catalog, path)
    return found.refused, [one.reason for one in found.findings]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": pa.array(["a"], pa.large_string())},
        {"id": pa.array(["a"]).dictionary_encode()},
        {"amount": pa.array([Decimal("1234.5")], pa.decimal128(38, 1))},
        {"quantity": pa.array([7], pa.uint64())},
        {"ordered_at": pa.array([MOMENT], pa.timestamp("ns", "Asia/Tokyo"))},
        {"customer": pa.array([{"address": {"city": "Kyoto"}}, None])[:1]},
    ],
    ids=["as declared", "large text", "dictionary", "smaller scale", "unsigned", "nanoseconds", "cut in the middle"],
)
def test_values_of_parquet_are_taken_exactly(orders: RawFolder, change: dict[str, pa.Array]) -> None:
    orders.deliver({"orders_1.parquet": parquet(GOOD | change)})
    orders.ingest()
    assert [tuple(row.values()) for row in orders.rows(f"select {COLUMNS} from raw.orders")] == [ROW]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": pa.array([1234.5])}, "amount is double, and the contract declares decimal(6,2)"),
        (
            {"amount": pa.array([Decimal("1.125")])},
            "amount is decimal128(4, 3), and the contract declares decimal(6,2)",
        ),
        ({"amount": pa.array(["1.50"])}, "amount is string, and the contract declares decimal(6,2)"),
        ({"quantity": pa.array([7.0])}, "quantity is double, and the contract declares integer"),
        ({"quantity": pa.array([Decimal(7)])}, "quantity is decimal128(1, 0), and the contract declares integer"),
        ({"is_paid": pa.array([1])}, "is_paid is int64, and the contract declares boolean"),
        ({"due_on": pa.array([MOMENT], pa.timestamp("us"))}, "due_on is timestamp[us], and the contract declares date"),
        ({"id": pa.array([7])}, "id is int64, and the contract declares text"),
        ({"id": pa.array([b"a"])}, "id is binary, and the contract declares text"),
        (
            {"ordered_at": pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("us"))},
            "ordered_at holds what clocks showed, and the contract does not say in which time_zone",
        ),
        (
            {"ordered_at": pa.array([date(2024, 3, 5)])},
            "ordered_at is date32[day], and the contract declares timestamp",
        ),
        (
            {"customer": pa.array([{"address": {"city": ["Kyoto"]}}])},
            "customer.address.city is list<element: string>, and the contract declares text",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_type_that_could_hold_more_than_the_contract_refuses_the_file(
    orders: RawFolder, tmp_path: Path, change: dict[str, pa.Array], reason: str
) -> None:
    assert checked(tmp_path, orders.catalog, "orders_1.parquet", parquet(GOOD | change)) == (reason, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": pa.array([2**63], pa.uint64())}, "quantity '9223372036854775808' is not a whole number"),
        ({"quantity": pa.array([0])}, "quantity '0' is less than 1"),
        ({"amount": pa.array([Decimal("10000.00")])}, "amount '10000.00' is not a valid number with at most 4 digits"),
        (
            {"ordered_at": pa.array([1], pa.timestamp("ns", "UTC"))},
            "ordered_at '1970-01-01 00:00:00.000000001+0000' is not a valid timestamp",
        ),
        ({"id": pa.array(["a\0b"])}, "id has a NUL character"),
        ({"id": pa.array([None], pa.string())}, "id is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_the_contract_can_not_hold_rejects_the_row(
    orders: RawFolder, tmp_path: Path, change: dict[str, pa.Array], reason: str
) -> None:
    refused, (found,) = checked(tmp_path, orders.catalog, "orders_1.parquet", parquet(GOOD | change))
    assert (refused, found[: len(reason)]) == (None, reason)


def test_local_times_are_those_of_the_declared_time_zone(tmp_path: Path) -> None:
    zoned = but(ORDERS, {"columns.ordered_at.time_zone": "America/New_York"})
    (tmp_path / "sources").mkdir()
    folder = RawFolder(tmp_path, catalog_of(manifest_of(orders=zoned)))
    local = pa.array([datetime(2024, 3, 4, 20, 2, 3, 456789)], pa.timestamp("us"))
    folder.deliver({"orders_1.parquet": parquet(GOOD | {"ordered_at": local})})
    folder.ingest()
    assert [tuple(row.values()) for row in folder.rows(f"select {COLUMNS} from raw.orders")] == [ROW]
    never = pa.array([datetime(2024, 3, 10, 2, 30)], pa.timestamp("s"))
    _, (reason,) = checked(tmp_path, folder.catalog, "orders_2.parquet", parquet(GOOD | {"ordered_at": never}))
    assert "did not exist in America/New_York" in reason


def test_bytes_that_are_no_text_or_no_parquet_refuse_the_file(orders: RawFolder, tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    for data in (parquet(GOOD | {"id": broken}), parquet(GOOD)[:-20], b"id,amount\na,1\n"):
        refused, _ = checked(tmp_path, orders.catalog, "orders_1.parquet", data)
        assert refused is not None
        assert refused.startswith("it can't be read as Parquet: ")
    assert checked(tmp_path, orders.catalog, "orders_1.parquet", b"") == ("it is empty", [])


def test_what_no_contract_names_is_kept_and_what_is_missing_is_said(orders: RawFolder) -> None:
    more = pa.array([{"address": {"city": "Kyoto", "zip": 60}, "age": float("nan")}])
    columns = {name: values for name, values in GOOD.items() if name != "due_on"} | {"customer": more}
    orders.deliver({"orders_1.parquet": parquet(columns)})
    orders.ingest()
    ((extra,),) = (row.values() for row in orders.rows("select _extra from raw.orders"))
    assert json.loads(extra) == {"customer": {"address": {"zip": 60}, "age": "nan"}}
    assert orders.ledger()["orders_1.parquet"]["drift"] == (
        "unknown columns kept in _extra: customer.address.zip, customer.age; columns missing, left empty: due_on"
    )


def test_a_large_parquet_goes_through_in_pieces_with_the_same_rows(
    orders: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 40_000
    columns = {
        "id": pa.array([f"{number:06d}" for number in range(count)]),
        "quantity": pa.array([number % 50 for number in range(count)]),  # one in fifty is less than 1
    }
    monkeypatch.setattr("vending_platform.ingestion.reading.parquet.SMALL", 10_000)
    orders.deliver({f"orders_{n}.parquet": parquet(columns, row_group_size=7_000) for n in (1, 2)})
    orders.ingest()
    figures = "select count(*) as n, min(_line) as first, max(_line) as last from raw.orders"
    assert orders.rows(figures) == [{"n": 2 * count * 49 // 50, "first": 2, "last": count}]
    (row,) = orders.rows(
        "select raw_text, byte_offset from raw._rejected_rows where line = 39951 and path like '%1.p%'"
    )
    assert (json.loads(row["raw_text"]), row["byte_offset"]) == ({"id": "039950", "quantity": 0}, None)


JSON_ROW = (
    '{"id":"a","amount":1234.50,"quantity":7,"is_paid":true,"due_on":"2024-03-05",'
    '"ordered_at":"2024-03-05T01:02:03Z","customer":{"address":{"city":"Kyoto"}}}'
)


def zstd(data: bytes) -> bytes:
    written = pa.BufferOutputStream()
    with pa.CompressedOutputStream(written, "zstd") as stream:
        stream.write(data)
    packed: bytes = written.getvalue().to_pybytes()
    return packed


@pytest.mark.parametrize(("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstd)])
def test_json_lines_are_taken_exactly_however_they_are_packed(
    orders: RawFolder, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    data = lines(JSON_ROW, "", JSON_ROW.replace('"a"', '"b"').replace("Z", "+09:00"))
    orders.deliver({f"orders_1.jsonl{ending}": pack(data)})
    orders.ingest()
    whole = (*ROW[:5], ROW[5].replace(microsecond=0), "Kyoto")
    rows = [tuple(row.values()) for row in orders.rows(f"select {COLUMNS}, _line from raw.as_json order by 1")]
    assert rows == [(*whole, 1), ("b", *whole[1:5], whole[5] - timedelta(hours=9), "Kyoto", 3)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"id":"a","quantity":1.0}', "quantity '1.0' is not a whole number"),
        ('{"id":"a","quantity":1e3}', "quantity '1e3' is not a whole number"),
        ('{"id":"a","quantity":9223372036854775808}', "quantity '9223372036854775808' is not a whole number"),
        ('{"id":"a","quantity":true}', "quantity is true, and must be a number, or a text that holds one"),
        ('{"id":"a","amount":0.125}', "amount '0.125' is not a valid number with at most 4 digits before and 2 after"),
        ('{"id":"a","amount":NaN}', "the row has NaN, which is not a valid number"),
        ('{"id":"a","amount":-Infinity}', "the row has -Infinity, which is not a valid number"),
        ('{"id":7}', "id is the number 7, and must be a text"),
        ('{"id":"a","id":"b"}', "the row has the key 'id' twice"),
        ('{"id":"a","customer":{"x":1,"x":2}}', "the row has the key 'x' twice"),
        ('{"id":"a","customer":[]}', "customer.address.city: customer is an array, not an object"),
        ('{"id":"a","customer":{"address":{"city":{}}}}', "customer.address.city is an object, and must be a text"),
        ('{"id":"a","ordered_at":"2024-03-05T01:02:03"}', "ordered_at '2024-03-05T01:02:03' is not a valid timestamp"),
        ('{"id":"a\\u0000"}', "id has a NUL character"),
        ('{"id":"\\ud800"}', "id has half of a character, which is not text in Unicode"),
        ('{"id":null}', "id is empty"),
        ('"a"', "the row is a text, not an object"),
        ("7", "the row is the number 7, not an object"),
        ('{"id":"a"} x', "the row is not valid JSON: Extra data"),
        ('{"id":' + "[" * 100_000, "the row is nested too deeply"),
    ],
)
def test_a_row_of_json_that_the_contract_can_not_hold_is_rejected(
    orders: RawFolder, tmp_path: Path, row: str, reason: str
) -> None:
    refused, (found,) = checked(tmp_path, orders.catalog, "orders_1.jsonl", lines('{"id":"good"}', row))
    assert (refused, found[: len(reason)]) == (None, reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"id":"a"}]\n', "it is a JSON array; JSON lines have an object in every line, and nothing around them"),
        (b'{"id":"a"}\n{"id":"b', "its last row has no line end: the file was probably cut off in the middle of it"),
        (b'{"id":"\xff"}\n', "its text can't be decoded (utf-8: byte 0xFF in line 1)"),
        (b'{"amount":1}\n', "no row of it has 'id'"),
        (gzip.compress(b'{"id":"a"}\n', mtime=0)[:-4], "it is damaged, or was cut off: it can't be unpacked as gzip"),
        (gzip.compress(b"", mtime=0), "it is empty"),
        (b"", "it is empty"),
    ],
    ids=["array", "cut off", "no text", "no key", "cut off and packed", "packed nothing", "nothing"],
)
def test_json_that_can_not_be_trusted_as_a_whole_is_refused(
    orders: RawFolder, tmp_path: Path, data: bytes, reason: str
) -> None:
    refused, _ = checked(tmp_path, orders.catalog, "orders_1.jsonl", data)
    assert refused is not None
    assert refused.startswith(reason)


def test_what_json_has_more_is_kept_with_the_digits_that_came(orders: RawFolder) -> None:
    orders.deliver(
        {"orders_1.jsonl": lines('{"id":"a","x":1.10,"customer":{"address":{"city":"Nara"},"more":[1e2,null]}}')}
    )
    orders.ingest()
    assert orders.rows("select _extra from raw.as_json") == [
        {"_extra": '{"x": 1.10, "customer": {"address": {}, "more": [1e2, null]}}'}
    ]


def test_a_rejected_row_has_its_number_and_its_text_and_no_place_in_bytes(orders: RawFolder) -> None:
    orders.deliver({"orders_1.jsonl.gz": gzip.compress(lines('{"id":"a"}', '{"id":"b","quantity":0}'))})
    orders.ingest()
    columns = "line, column_name, raw_text, byte_offset, byte_length"
    assert [tuple(row.values()) for row in orders.rows(f"select {columns} from raw._rejected_rows")] == [
        (2, "quantity", '{"id":"b","quantity":0}', None, None)
    ]


def test_a_packed_csv_is_what_is_in_it_and_its_own_bytes_are_its_identity(orders: RawFolder) -> None:
    data = b"id,amount,quantity,is_paid,due_on,ordered_at,city\na,1.5,0,,,,\nb,2,1,,,,\n"
    orders.deliver({"orders_1.csv.gz": gzip.compress(data, mtime=0), "orders_2.csv": data.replace(b"\na", b"\nc")})
    summary = orders.ingest()
    assert orders.rows("select id, amount from raw.as_csv where _file_id like '%' order by 1, 2") == [
        {"id": "b", "amount": Decimal("2.00")},
        {"id": "b", "amount": Decimal("2.00")},
    ]
    offsets = orders.rows("select path, line, raw_text, byte_offset from raw._rejected_rows order by path")
    assert [tuple(row.values()) for row in offsets] == [
        ("orders_1.csv.gz", 2, "a,1.5,0,,,,", None),
        ("orders_2.csv", 2, "c,1.5,0,,,,", 50),
    ]
    assert len({version.sha256 for version in summary.loaded}) == 2
    assert orders.ingest().unchanged == 2


def test_what_is_much_when_it_is_unpacked_is_read_by_itself_and_leaves_nothing_behind(
    orders: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vending_platform.ingestion.reading.compression.SMALL", 1_000)
    rows = lines(*(f'{{"id":"{number:05d}"}}' for number in range(500)))
    orders.deliver({"orders_1.jsonl.gz": gzip.compress(rows), "orders_2.jsonl": lines('{"id":"x"}')})
    orders.ingest()
    assert orders.rows("select count(*) as n from raw.as_json") == [{"n": 501}]
    assert [orders.state(path) for path in ("orders_1.jsonl.gz", "orders_2.jsonl")] == [FileState.LOADED] * 2
    assert list((orders.folder / "scratch").rglob("*.spooled")) == []
    assert content.SMALL > 1_000
