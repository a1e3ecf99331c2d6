"""What an exported file holds, byte for byte."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import CsvEncoding, Export, Format, Unencodable
from vending_platform.exporting.encoding import NotEncodable, Replaced, count_rows, encode, encoded

CODECS = {CsvEncoding.UTF_8: "utf-8", CsvEncoding.UTF_8_BOM: "utf-8-sig", CsvEncoding.CP932: "cp932"}


def export(encoding: CsvEncoding | None) -> Export:
    kind = Format.PARQUET if encoding is None else Format.CSV
    return Export(name="e", model="m", schema_name="marts", format=kind, encoding=encoding, file_stem="e")


def texts(*values: str | None) -> pa.Table:
    return pa.table({"row": range(len(values)), "name": pa.array(values, pa.string())})


def cells(content: bytes, encoding: CsvEncoding) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(CODECS[encoding]), newline="")))


def test_parquet_gives_back_the_same_table() -> None:
    table = pa.table({"day": [date(2024, 3, 5)], "rate": [Decimal("0.05")], "name": ["㈱茶"], "yen": [130]})
    content = encode(table, export(None))
    assert pq.read_table(io.BytesIO(content)).equals(table)
    assert count_rows(content, export(None)) == 1


def test_json_is_one_list_with_a_row_per_line() -> None:
    table = pa.table(
        {"day": [date(2024, 3, 5), None], "rate": [Decimal("0.05"), None], "name": ['㈱"茶\n', ""], "yen": [1, 2]}
    )
    as_json = Export(name="e", model="m", schema_name="marts", format=Format.JSON, file_stem="e")
    content = encode(table, as_json)
    assert json.loads(content) == [
        {"day": "2024-03-05", "rate": "0.05", "name": '㈱"茶\n', "yen": 1},
        {"day": None, "rate": None, "name": "", "yen": 2},
    ]
    assert len(content.splitlines()) == 4
    assert count_rows(content, as_json) == 2
    assert json.loads(encode(table.slice(0, 0), as_json)) == []


@pytest.mark.parametrize(("by", "told"), [("day", {"day"}), (None, {"day", "yen"})])
def test_parquet_tells_the_ranges_by_which_a_reader_can_leave_files_out(by: str | None, told: set[str]) -> None:
    table = pa.table({"day": [date(2024, 3, 5)], "yen": [130]})
    content = encode(table, export(None).model_copy(update={"partition_by": by}))
    columns = pq.read_metadata(io.BytesIO(content)).row_group(0).to_dict()["columns"]
    assert {column["path_in_schema"] for column in columns if column["statistics"] is not None} == told


def test_parquet_for_a_page_is_what_its_reader_has_inside() -> None:
    """Snappy, decimals as whole numbers, ranges of every column, and few rows in one piece."""
    rows = 45_000
    table = pa.table(
        {"machine": [f"VM{n // 100:05}" for n in range(rows)], "yen": [Decimal(n) / 4 for n in range(rows)]}
    )
    page = export(None).model_copy(update={"format": Format.DASHBOARD})
    content = encode(table, page)
    assert pq.read_table(io.BytesIO(content)).equals(table)
    assert count_rows(content, page) == rows
    metadata = pq.read_metadata(io.BytesIO(content))
    columns = [metadata.row_group(group).column(1) for group in range(metadata.num_row_groups)]
    assert [column.num_values for column in columns] == [20_000, 20_000, 5_000]
    assert {(column.compression, column.physical_type) for column in columns} == {("SNAPPY", "INT32")}
    assert [column.statistics.max for column in columns] == [
        Decimal("4999.75"),
        Decimal("9999.75"),
        Decimal("11249.75"),
    ]


@pytest.mark.parametrize("encoding", CsvEncoding)
def test_csv_holds_header_and_rows_in_its_encoding(encoding: CsvEncoding) -> None:
    table = pa.table({"day": [date(2024, 3, 5)], "name": ['㈱茶, "濃い"\n①'], "yen": [130], "known": [True]})
    content = encode(table, export(encoding))
    assert cells(content, encoding) == [
        ["day", "name", "yen", "known"],
        ["2024-03-05", '㈱茶, "濃い"\n①', "130", "true"],
    ]
    assert content.startswith(b"\xef\xbb\xbf") == (encoding is CsvEncoding.UTF_8_BOM)


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(formula: str) -> None:
    content = encode(texts(formula, "1-1", None), export(CsvEncoding.UTF_8))
    assert [name for _, name in cells(content, CsvEncoding.UTF_8)[1:]] == ["'" + formula, "1-1", ""]


def test_a_negative_number_is_no_formula() -> None:
    content = encode(pa.table({"yen": [-5]}), export(CsvEncoding.UTF_8))
    assert cells(content, CsvEncoding.UTF_8)[1:] == [["-5"]]


def test_a_character_that_cp932_cannot_hold_is_named_with_its_place() -> None:
    with pytest.raises(NotEncodable, match=r"cp932 has no '😀' \(U\+1F600\), in column name, row 2 \('Tea 😀'\)"):
        encode(texts("茶", "Tea 😀"), export(CsvEncoding.CP932))


def test_it_is_refused_unless_the_contract_says_otherwise() -> None:
    with pytest.raises(NotEncodable, match="declare `unencodable: replace` to have 〓 in its place"):
        encoded(texts("茶", "Tea 😀"), export(CsvEncoding.CP932))


def test_it_is_replaced_and_reported_where_the_contract_says_so() -> None:
    replacing = export(CsvEncoding.CP932).model_copy(update={"unencodable": Unencodable.REPLACE})
    content, replaced = encoded(texts("茶", "𠮷野家 😀", "髙﨑", None, "𠮷野家 😀", "=😀"), replacing)
    names = [name for _, name in cells(content, CsvEncoding.CP932)[1:]]
    assert names == ["茶", "〓野家 〓", "髙﨑", "", "〓野家 〓", "'=〓"]
    assert replaced == (Replaced("name", "𠮷野家 😀", 2), Replaced("name", "=😀", 1))
    assert count_rows(content, replacing) == 6


def test_where_nothing_is_missing_the_file_is_the_same_either_way() -> None:
    replacing = export(CsvEncoding.CP932).model_copy(update={"unencodable": Unencodable.REPLACE})
    assert encoded(texts("茶", "〓"), replacing) == (encode(texts("茶", "〓"), export(CsvEncoding.CP932)), ())


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=1, max_size=6))
def test_whatever_is_in_a_cell_comes_back(values: list[str]) -> None:
    content = encode(texts(*values), export(CsvEncoding.UTF_8_BOM))
    back = [row[1] for row in cells(content, CsvEncoding.UTF_8_BOM)[1:]]
    assert [cell.removeprefix("'") for cell in back] == [value.removeprefix("'") for value in values]
    assert count_rows(content, export(CsvEncoding.UTF_8_BOM)) == len(values)
