"""One sales file of a month ago is corrected: every mart is as if built from nothing, and no other row has moved."""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from unittest import mock

import duckdb

from fleet_simulator import generate
from vending_platform.catalog import Catalog
from vending_platform_tests.end_to_end.small_platform import SmallPlatform
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.parsed import Parsed

FIRST_DAY, DAYS = date(2024, 2, 5), 44
CORRECTED = date(2024, 2, 16)
CERTAINLY = {"fct_sales", "mart_machine_daily", "fct_slot_inventory_daily", "mart_cashless_settlement"}
CERTAINLY |= {"mart_machine_profitability", "mart_product_ranking", "mart_replenishment_recommendation"}
TELLS_OF_DELIVERIES = "mart_delivery_gaps"
Rows = dict[str, set[tuple[date | None, str]]]


def test_a_correction_moves_what_it_reaches_and_nothing_else(tmp_path: Path, catalog: Catalog, parsed: Parsed) -> None:
    parsed.hand_over()
    generate(tmp_path / "small_platform", machines=3, days=DAYS, seed=11, first_day=FIRST_DAY)
    small_platform = SmallPlatform(RawFolder(tmp_path / "small_platform", catalog))
    with mock.patch.dict(os.environ, DBT_EXCLUDE_RESOURCE_TYPES="test unit_test"):  # the sample's run executes them all
        small_platform.run()
        before, manifests_before = rows_of(small_platform), manifests_of(small_platform)
        file = small_platform.raw_folder.sources / f"sales_VM002_{CORRECTED:%Y%m%d}.csv"
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[: len(lines) // 2]))
        small_platform.run()
        after, manifests = rows_of(small_platform), manifests_of(small_platform)
        forget(small_platform, TELLS_OF_DELIVERIES)
        small_platform.run()
        (tmp_path / "rebuilt").mkdir()
        shutil.copytree(small_platform.raw_folder.sources, tmp_path / "rebuilt" / "sources", copy_function=shutil.copy2)
        rebuilt = SmallPlatform(RawFolder(tmp_path / "rebuilt", catalog))
        rebuilt.run()
    assert after == rows_of(rebuilt)
    assert manifests == manifests_of(small_platform)
    assert {day for day, _ in manifests_before ^ manifests} == {CORRECTED}
    moved = {name: before[name] ^ after[name] for name in before}
    assert {day for day, _ in moved["fct_sales"]} == {CORRECTED}
    assert {name for name in CERTAINLY if not moved[name]} == set()
    for model in catalog.models:
        if model.name in moved and "sales" not in model.sources:
            assert moved[model.name] == set(), model.name
        elif model.name in moved and model.is_dated:
            first, last = model.days_reached("sales", CORRECTED, CORRECTED)
            assert [row for day, row in moved[model.name] if day is None or not first <= day <= last] == [], model.name


def manifests_of(small_platform: SmallPlatform) -> set[tuple[date, str]]:
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        rows = reader.query(f"select * from marts.{TELLS_OF_DELIVERIES}").to_pylist()
    return {(row["business_date"], repr(row)) for row in rows}


def forget(small_platform: SmallPlatform, model: str) -> None:
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(f"drop table marts.{model}")
        connection.execute("delete from raw._builds where model = ?", [model])


def rows_of(small_platform: SmallPlatform) -> Rows:
    return dict(_rows_of(small_platform))


def _rows_of(small_platform: SmallPlatform) -> Iterator[tuple[str, set[tuple[date | None, str]]]]:
    """Every row of every mart with its day, but for the times of deliveries."""
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        for model in small_platform.raw_folder.catalog.models:
            if model.schema_name == "marts" and not model.is_view and model.reach.deliveries_of is None:
                rows = reader.query(f"select * from marts.{model.name}").to_pylist()
                yield model.name, {(row.get("business_date"), repr(row)) for row in rows}
