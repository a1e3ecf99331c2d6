"""Many days are read at once, and every file still holds its own."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from vending_platform.catalog import Catalog
from vending_platform.exporting import contents as reading
from vending_platform.exporting.contents import contents
from vending_platform.ledger import ModelBuild
from vending_platform.warehouse.duckdb import DuckDBWarehouse

DAYS = [date(2024, 3, day) for day in (1, 2, 4, 5)]
ROWS = {DAYS[0]: ["b", "a"], DAYS[1]: [], DAYS[2]: ["c"], DAYS[3]: ["f", "d", "e"]}


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """Four days, a day between them that nobody asks for, the day's deliveries and two versions of a master."""
    sold = [(row, day) for day, rows in {**ROWS, date(2024, 3, 3): ["x"]}.items() for row in rows]
    files: list[tuple[str, str, date | None]] = [("sales", f"sales_{day}.csv", day) for day in DAYS]
    files += [("products", "products_1.csv", DAYS[0]), ("products", "products.csv", None)]
    with duckdb.connect(tmp_path / "dev.duckdb") as connection:
        connection.execute("create schema marts; create schema raw")
        connection.execute("create table marts.fct_sales (transaction_id varchar, business_date date)")
        connection.executemany("insert into marts.fct_sales values (?, ?)", sold)
        connection.execute("create table raw._files (source varchar, path varchar, business_date date)")
        connection.executemany("insert into raw._files values (?, ?, ?)", files)
        connection.execute("alter table raw._files add column file_id varchar default 'id'")
        connection.execute("alter table raw._files add column sha256 varchar default 'hash'")
        connection.execute("alter table raw._files add column in_raw boolean default true")
    return DuckDBWarehouse(tmp_path / "dev.duckdb")


@pytest.mark.parametrize("rows_at_once", [1, 3, 1000])
def test_however_many_are_read_at_once(
    catalog: Catalog, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(reading, "_ROWS_AT_ONCE", rows_at_once)
    (export,) = (export for export in catalog.exports if export.name == "sales_by_day")
    with warehouse.reading() as reader:
        batches = list(contents(reader, catalog, export, [ModelBuild(day, "version", True, "now") for day in DAYS]))
    found = [content for batch in batches for content in batch]
    assert {c.build.day: c.rows["transaction_id"].to_pylist() for c in found} == {d: sorted(ROWS[d]) for d in DAYS}
    assert {c.build.day: [file["path"] for file in c.raw_files] for c in found} == {
        day: ["products.csv", "products_1.csv", f"sales_{day}.csv"] for day in DAYS
    }
    assert len(batches) == {1: 3, 3: 2, 1000: 1}[rows_at_once]
