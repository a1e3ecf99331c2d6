"""How rows leave: in which order and files, masked, suppressed, under which headers."""

import csv
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import CsvEncoding, Export, Format
from vending_platform.exporting.encoding import encode
from vending_platform.exporting.shaping import FileRows, described, file_label, shaped, sort_keys


def export(**said: Any) -> Export:
    return Export.model_validate(
        {"name": "e", "model": "m", "schema_name": "marts", "format": Format.PARQUET, "file_stem": "e"} | said
    )


def pieces(rows: list[dict[str, Any]], **said: Any) -> list[FileRows]:
    """As an export makes them: put in order, then shaped."""
    declared, table = export(**said), pa.Table.from_pylist(rows)
    return list(shaped(declared, table.sort_by(sort_keys(declared, table.column_names))))


def test_an_export_that_says_nothing_leaves_as_it_is() -> None:
    table = pa.table({"b": [1, 2], "a": ["x", None]})
    (piece,) = shaped(export(), table)
    assert piece == FileRows(None, table, 0)
    assert list(shaped(export(), table.slice(0, 0))) == []
    assert described(export(), table) == [{"name": "b", "type": "int64"}, {"name": "a", "type": "string"}]


def test_only_the_columns_that_are_named_leave_under_their_headers() -> None:
    said: dict[str, Any] = {
        "columns": [{"name": "item", "header": "商品"}, {"name": "is_late", "header": "遅れ", "values": {"true": "○"}}]
    }
    rows: list[dict[str, Any]] = [
        {"secret": 1, "is_late": True, "item": "茶"},
        {"secret": 2, "is_late": None, "item": "水"},
    ]
    (piece,) = pieces(rows, **said)
    assert piece.rows.to_pydict() == {"商品": ["水", "茶"], "遅れ": [None, "○"]}
    assert described(export(**said), pa.Table.from_pylist(rows)) == [
        {"name": "商品", "type": "string", "column": "item"},
        {"name": "遅れ", "type": "string", "column": "is_late"},
    ]
    content = encode(piece.rows, export(**said, format="csv", encoding=CsvEncoding.CP932))
    assert list(csv.reader(content.decode("cp932").splitlines())) == [["商品", "遅れ"], ["水", ""], ["茶", "○"]]


def test_rows_come_in_the_order_that_is_said_then_in_that_of_all_columns() -> None:
    rows = [{"a": a, "b": b, "c": c} for a in (1, 2) for b in (1, 2) for c in (1, None)]
    (piece,) = pieces(rows, order_by=["b desc", "a"])
    assert [tuple(row.values()) for row in piece.rows.to_pylist()] == [
        *((1, 2, 1), (1, 2, None), (2, 2, 1), (2, 2, None)),
        *((1, 1, 1), (1, 1, None), (2, 1, 1), (2, 1, None)),
    ]


ROUTES = st.lists(st.sampled_from(["R1", "R 1", "東京/南", "", None]), min_size=1, max_size=12)


@given(ROUTES)
def test_split_into_files_every_row_is_in_the_file_of_its_value(routes: list[str | None]) -> None:
    rows = [{"route": route, "n": number} for number, route in enumerate(routes)]
    found = pieces(rows, split_by="route")
    assert {piece.split for piece in found} == {route or "" for route in routes}
    assert sorted(row["n"] for piece in found for row in piece.rows.to_pylist()) == list(range(len(rows)))
    assert all({row["route"] or "" for row in piece.rows.to_pylist()} == {piece.split} for piece in found)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("", "_rest"),
        ("R1", "R1"),
        ("東京南", "東京南"),
        ("../R1", "---R1-c96921"),
        ("_rest", "-rest-f987a4"),
        ("R 1", "R-1-6b5f8c"),
        ("R\n1", "R-1-"),
        ("長" * 90, "長" * 40 + "-"),
    ],
)
def test_a_value_becomes_part_of_a_files_name(value: str, label: str) -> None:
    assert file_label(value).startswith(label) if label.endswith("-") else file_label(value) == label


@given(st.lists(st.text(max_size=60), unique=True, min_size=2, max_size=5))
def test_whatever_the_value_its_file_can_be_named(values: list[str]) -> None:
    labels = [file_label(value) for value in values]
    assert all("/" not in label and "\0" not in label and len(label.encode()) < 200 for label in labels)
    assert len(set(labels)) == len(values)


def test_what_is_masked_is_numbered_as_it_comes_in_each_file() -> None:
    rows = [
        {"staff": staff, "route": route, "visit": visit}
        for visit, (staff, route) in enumerate([("zz", "R1"), ("aa", "R1"), ("zz", "R1"), (None, "R2"), ("aa", "R2")])
    ]
    first, second = pieces(rows, mask=["staff"], split_by="route")
    assert first.rows["staff"].to_pylist() == ["1", "2", "1"]
    assert second.rows["staff"].to_pylist() == [None, "1"], "another file, another person perhaps"


@given(st.permutations(["p", "q", "r"]))
def test_masked_values_can_be_exchanged_and_the_file_stays_the_same(names: list[str]) -> None:
    """Nothing of a value gets into the file but which rows share it."""
    rows = [{"staff": names[number], "visit": visit} for visit, number in enumerate([0, 1, 0, 2, 1])]
    (piece,) = pieces(rows, mask=["staff"])
    assert piece.rows["staff"].to_pylist() == ["1", "2", "1", "3", "2"]


def few(*machines: int | None, below: int = 5) -> list[int | None]:
    """What is left of the yen of prefectures with as many machines; 100 yen for the first, 200 for the second …"""
    rows = [{"prefecture": f"P{n}", "machines": m, "yen": 100 * (n + 1)} for n, m in enumerate(machines)]
    (piece,) = pieces(rows, suppress={"count": "machines", "below": below, "columns": ["yen"]})
    left: list[int | None] = piece.rows["yen"].to_pylist()
    counts = piece.rows["machines"].to_pylist()
    assert counts == [None if yen is None else m for m, yen in zip(machines, left, strict=True)]
    assert piece.suppressed == left.count(None)
    return left


def test_a_figure_about_a_few_is_blanked_with_their_count() -> None:
    assert few(5, 6, 7) == [100, 200, 300]
    assert few(3, 9, 2, 8) == [None, 200, None, 400]
    assert few(None, 9, 4, 8) == [None, 200, None, None], "of nobody knows how many; and 4 alone are too few"


def test_a_single_blank_would_be_what_is_left_of_the_total_so_another_goes_with_it() -> None:
    assert few(4, 9, 7, 8) == [None, 200, None, 400]
    assert few(1, 2, 6, 8) == [None, None, None, 400], "1 and 2 are 3 together"
    assert few(4) == [None]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9), st.integers(2, 8))
def test_what_is_blanked_is_never_one_and_never_about_a_few(machines: list[int], below: int) -> None:
    left = few(*machines, below=below)
    blanked = [m for m, yen in zip(machines, left, strict=True) if yen is None]
    assert all(yen is None for m, yen in zip(machines, left, strict=True) if m < below)
    if blanked and len(blanked) < len(machines):
        assert len(blanked) > 1
        assert sum(blanked) >= below


def test_equal_rows_are_equal_bytes_however_they_lay_in_memory() -> None:
    rows = [{"route": f"R{n % 3}", "n": n} for n in range(9)]
    one = pieces(rows, split_by="route")
    other = pieces(rows[::-1], split_by="route")
    assert [encode(piece.rows, export()) for piece in one] == [encode(piece.rows, export()) for piece in other]
    assert len({io.BytesIO(encode(piece.rows, export())).getvalue() for piece in one}) == 3
