"""Every type of DynamoDB at its extremes, and items at random: what arrives is what the table holds."""

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.extraction.dynamodb.documents import rest_of
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.dynamodb import Item, emulated_exports
from vending_platform_tests.extraction.dynamodb.parts import KEY, MARK, ExtractedItems, sources_of, text_of
from vending_platform_tests.properties import examples

ALL = {name: {"data_type": "text"} for name in ("a", "b", "c")}
GREATEST = "9" * 38


def one(app: ExtractedItems, columns: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """What arrives of one item with these attributes."""
    app.sources = sources_of(refunds=(KEY | columns | MARK, {"deleted": "is_deleted"}))
    app.put("a", "b", **attributes)
    app.emulator.pass_time(hours=1)
    assert app.extract()[0].problem is None
    (row,) = app.now("refunds")
    return row


@pytest.mark.parametrize(
    ("kind", "value", "arrives"),
    [
        ("decimal(38,0)", {"N": GREATEST}, Decimal(GREATEST)),
        ("decimal(38,0)", {"N": f"-{GREATEST}"}, Decimal(f"-{GREATEST}")),
        ("decimal(38,38)", {"N": f"0.{GREATEST}"}, Decimal(f"0.{GREATEST}")),
        ("decimal(10,2)", {"N": "1.255"}, "1.255"),  # would have to be rounded
        ("decimal(4,2)", {"N": "100"}, "100"),
        ("integer", {"N": "9223372036854775807"}, 9223372036854775807),
        ("integer", {"N": "9223372036854775808"}, "9223372036854775808"),
        ("integer", {"N": "1.5"}, "1.5"),
        ("integer", {"S": "many"}, "many"),
        ("text", {"N": "1E+125"}, "1E+125"),
        ("text", {"S": ""}, ""),
        ("text", {"S": 'a "quoted"\n\\ line\u2028 😢\ud55c'}, 'a "quoted"\n\\ line\u2028 😢\ud55c'),
        ("text", {"B": b""}, ""),
        ("text", {"B": bytes(range(256))}, bytes(range(256)).hex().upper()),
        ("text", {"BOOL": True}, "true"),
        ("text", {"NULL": True}, None),
        ("text", {"L": []}, '{"L":[]}'),
        ("text", {"M": {}}, '{"M":{}}'),
        ("text", {"SS": ["b", "a", ""]}, '{"SS":["","a","b"]}'),
        ("text", {"NS": ["2", "10"]}, '{"NS":["10","2"]}'),
        ("text", {"BS": [b"\x00"]}, '{"BS":["AA=="]}'),
        (
            "text",
            {"M": {"z": {"L": [{"NULL": True}, {"S": ""}, {"N": GREATEST}]}, "a": {"SS": ["y", "x"]}}},
            f'{{"M":{{"a":{{"SS":["x","y"]}},"z":{{"L":[{{"NULL":true}},{{"S":""}},{{"N":"{GREATEST}"}}]}}}}}}',
        ),
        ("boolean", {"BOOL": False}, False),
        ("boolean", {"S": "yes"}, "yes"),
        ("date", {"S": "2024-02-29"}, date(2024, 2, 29)),
        ("date", {"S": "2023-02-29"}, "2023-02-29"),
        ("timestamp", {"S": "2024-03-01T09:00:00.123456+09:00"}, datetime(2024, 3, 1, 0, 0, 0, 123456, UTC)),
        ("timestamp", {"S": "2024-03-01 00:00:00Z"}, datetime(2024, 3, 1, tzinfo=UTC)),
        ("timestamp", {"N": "1709251200"}, datetime(2024, 3, 1, tzinfo=UTC)),
        ("timestamp", {"N": "1709251200.5"}, datetime(2024, 3, 1, 0, 0, 0, 500_000, UTC)),
        ("timestamp", {"S": "2024-03-01T00:00:00.1234567Z"}, "2024-03-01T00:00:00.1234567Z"),
        ("timestamp", {"S": "2024-03-01T00:00:00"}, "2024-03-01 00:00:00.0"),  # of which zone?
        ("timestamp", {"S": "yesterday"}, "yesterday"),
        ("timestamp", {"S": "20240301"}, "20240301"),
    ],
)
def test_each_type_arrives_exactly(app: ExtractedItems, kind: str, value: Item, arrives: Any) -> None:
    row = one(app, {"found": {"data_type": kind}}, found=value)
    assert row["found"] == arrives
    assert type(row["found"]) is type(arrives)


def test_a_row_with_a_value_of_another_type_is_rejected_by_name_and_the_others_are_loaded(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", amount={"N": "130"}, requested_at="2024-03-01T09:00:00+09:00")
    app.put("C#1", "REFUND#2", kind="refund", amount={"S": "much"}, requested_at="now")
    app.emulator.pass_time(hours=1)
    app.extract()
    loaded = app.load()
    (row,) = loaded.rows("select sk, amount, requested_at from raw.refunds")
    assert tuple(row.values()) == ("REFUND#1", 130, datetime(2024, 3, 1, 9))
    (rejected,) = loaded.rows("select * from raw._rejected_rows")
    assert "amount" in str(rejected)


def test_what_no_column_takes_is_in_the_rest(app: ExtractedItems) -> None:
    columns = {"known": {"data_type": "text"}, "empty": {"data_type": "text"}, "others": {"data_type": "text"}}
    app.sources = sources_of(refunds=(KEY | columns, {"rest": "others"}))
    app.put("a", "1", known="x", empty={"NULL": True}, new={"M": {"n": {"N": GREATEST}}})
    app.put("a", "2", known="x")
    app.put("a", "3", known="x", empty="")
    app.emulator.pass_time(hours=1)
    app.extract()
    assert [(row["empty"], row["others"]) for row in app.now("refunds")] == [
        (None, f'{{"empty":{{"NULL":true}},"new":{{"M":{{"n":{{"N":"{GREATEST}"}}}}}}}}'),
        (None, None),
        ("", None),
    ]


SCALARS = st.one_of(
    st.text(max_size=8).map(lambda value: {"S": value}),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9).map(
        lambda value: {"N": f"{value:f}"}
    ),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.binary(max_size=8).map(lambda value: {"B": value}),
    st.sets(st.text(max_size=4), min_size=1, max_size=4).map(lambda value: {"SS": sorted(value)}),
    st.sets(st.integers(-(10**30), 10**30), min_size=1, max_size=4).map(lambda value: {"NS": list(map(str, value))}),
    st.sets(st.binary(max_size=4), min_size=1, max_size=4).map(lambda value: {"BS": sorted(value)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda value: {"L": value}),
        st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3).map(lambda value: {"M": value}),
    ),
    max_leaves=6,
)
WITH_REST = sources_of(
    refunds=(KEY | ALL | {"others": {"data_type": "text"}} | MARK, {"rest": "others", "deleted": "is_deleted"})
)
ITEMS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "d", "é ü"]), VALUES, max_size=5), max_size=5)


@given(before=ITEMS, after=ITEMS)
@examples(8)
def test_items_at_random_arrive_as_the_table_holds_them(
    aws: EmulatedAws, before: list[dict[str, Item]], after: list[dict[str, Item]]
) -> None:
    """The whole table, and then what changed: the columns have what they name, and the rest has the others."""
    rest = rest_of(frozenset([*KEY, *ALL]))
    with emulated_exports(aws) as emulator, TemporaryDirectory() as folder:
        app = ExtractedItems(emulator, f"app-{uuid4().hex[:8]}", Path(folder), WITH_REST)
        emulator.create_table(app.name, "pk", "sk")
        for items in (before, after):
            for number, item in enumerate(items):
                app.put("x", str(number), **item)
            for number in range(len(items), len(before)):
                app.delete("x", str(number))
            emulator.pass_time(hours=1)
            assert app.extract()[0].problem is None
            for row, item in zip(app.now("refunds"), items, strict=True):
                plain = json.loads(json.dumps(item, default=lambda value: base64.b64encode(value).decode()))
                assert [row[name] for name in ALL] == [text_of(plain.get(name)) for name in ALL]
                assert [row["others"]] == rest(pa.array([json.dumps(plain)])).to_pylist()
