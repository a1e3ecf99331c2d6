"""One sales file of a month ago is corrected: every mart is as if built from nothing, and no other row has moved."""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from unittest import mock

import duckdb

from vending_platform.catalog import Catalog
from vending_platform.sample_data import generate
from vending_platform_tests.end_to_end.house import House
from vending_platform_tests.ingestion.yard import Yard
from vending_platform_tests.parsed import Parsed

FIRST_DAY, DAYS = date(2024, 2, 5), 44
CORRECTED = date(2024, 2, 16)
CERTAINLY = {"fct_sales", "mart_machine_daily", "fct_slot_inventory_daily", "mart_cashless_settlement"}
CERTAINLY |= {"mart_machine_profitability", "mart_product_ranking", "mart_replenishment_recommendation"}
TELLS_OF_DELIVERIES = "mart_delivery_gaps"
Rows = dict[str, set[tuple[date | None, str]]]


def test_a_correction_moves_what_it_reaches_and_nothing_else(tmp_path: Path, catalog: Catalog, parsed: Parsed) -> None:
    parsed.hand_over()
    generate(tmp_path / "house", machines=3, days=DAYS, seed=11, first_day=FIRST_DAY)
    house = House(Yard(tmp_path / "house", catalog))
    with mock.patch.dict(os.environ, DBT_EXCLUDE_RESOURCE_TYPES="test unit_test"):  # the sample's run asks them all
        house.run()
        before, told_before = rows_of(house), told_by(house)
        file = house.yard.sources / f"sales_VM002_{CORRECTED:%Y%m%d}.csv"
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[: len(lines) // 2]))
        house.run()
        after, told = rows_of(house), told_by(house)
        forget(house, TELLS_OF_DELIVERIES)
        house.run()
        (tmp_path / "anew").mkdir()
        shutil.copytree(house.yard.sources, tmp_path / "anew" / "sources", copy_function=shutil.copy2)
        anew = House(Yard(tmp_path / "anew", catalog))
        anew.run()
    assert after == rows_of(anew)
    assert told == told_by(house)
    assert {day for day, _ in told_before ^ told} == {CORRECTED}
    moved = {name: before[name] ^ after[name] for name in before}
    assert {day for day, _ in moved["fct_sales"]} == {CORRECTED}
    assert {name for name in CERTAINLY if not moved[name]} == set()
    for model in catalog.models:
        if model.name in moved and "sales" not in model.sources:
            assert moved[model.name] == set(), model.name
        elif model.name in moved and model.is_daily:
            first, last = model.days_reached("sales", CORRECTED, CORRECTED)
            assert [row for day, row in moved[model.name] if day is None or not first <= day <= last] == [], model.name


def told_by(house: House) -> set[tuple[date, str]]:
    with house.yard.rooms.warehouse.reading() as reader:
        rows = reader.query(f"select * from marts.{TELLS_OF_DELIVERIES}").to_pylist()
    return {(row["business_date"], repr(row)) for row in rows}


def forget(house: House, model: str) -> None:
    with duckdb.connect(str(house.yard.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(f"drop table marts.{model}")
        connection.execute("delete from raw._builds where model = ?", [model])


def rows_of(house: House) -> Rows:
    return dict(_rows_of(house))


def _rows_of(house: House) -> Iterator[tuple[str, set[tuple[date | None, str]]]]:
    """Every row of every mart with its day, but for what tells when deliveries came."""
    with house.yard.rooms.warehouse.reading() as reader:
        for model in house.yard.catalog.models:
            if model.schema_name == "marts" and not model.is_view and model.reach.deliveries_of is None:
                rows = reader.query(f"select * from marts.{model.name}").to_pylist()
                yield model.name, {(row.get("business_date"), repr(row)) for row in rows}
