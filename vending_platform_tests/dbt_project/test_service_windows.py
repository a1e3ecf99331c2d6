"""The marts of service and assortment have the same rows, whether all of history is built at once or a day at a
time, the later before the earlier: they look back by weeks, and no row may depend on what was built before.

Seven weeks of a small fleet, with a machine that dies, one that takes a price of its own, a price that changes, a file
that is missing and one that was corrected.
"""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vending_platform.catalog import Catalog
from vending_platform.file_lock import exclusive
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.dbt_project.test_windows import PRODUCTS_HEADER, Fleet, visit_of
from vending_platform_tests.ingestion.raw_folder import machines_file, sales, sales_row
from vending_platform_tests.parsed import Parsed

FIRST = date(2024, 1, 29)
DAYS = [FIRST + timedelta(days=n) for n in range(49)]
SINGLE = [DAYS[-n] for n in (5, 14, 4)]
"""Days that are also built one by one, in this order."""
DIED, MISSING, REPRICED = DAYS[44], DAYS[43], DAYS[-14]
MACHINES = ("VM001", "VM002", "VM003", "VM004")
FOLLOWED = {
    "intermediate": ("int_machine_hours", "int_product_prices", "int_price_changes", "int_price_change_peers"),
    "marts": (
        "mart_delivery_gaps",
        "mart_machine_health",
        "mart_price_changes",
        "mart_price_deviations",
        "mart_product_ranking",
        "mart_route_productivity",
    ),
}

Row = dict[str, Any]


@dataclass
class Built:
    at_once: Mapping[str, list[Row]] = field(default_factory=dict)
    one_by_one: Mapping[str, list[Row]] = field(default_factory=dict)


def price_of(machine: str, number: int, day: date) -> int:
    if machine == "VM003" and number % 4 == 1 and day >= DAYS[40]:
        return 90
    return 150 if day >= REPRICED and number % 4 == 2 else 130


def rows_of(machine: str, day: date) -> Iterator[str]:
    """60 vends between 8:00 and 20:00, fewer at the weekend; a dead machine's file ends at noon, and is empty after."""
    for number in range(60 if day.weekday() < 5 else 24):
        hour = 8 + number % 12
        if machine == "VM002" and (day > DIED or (day == DIED and hour >= 12)):
            continue
        product = {"product_id": f"P{number % 4}", "unit_price": price_of(machine, number, day)}
        moment = f"{day} {hour:02d}:{number % 60:02d}:00"
        yield sales_row(
            number, machine, str(day), sold_at=moment, status="failed" if number == 7 else "completed", **product
        )


def deliveries() -> dict[str, bytes]:
    files = {
        "vending_machines.csv": machines_file(*((machine, "2020-01-01", "") for machine in MACHINES)),
        "products.csv": "\n".join(
            [PRODUCTS_HEADER, *(f"P{n},,Tea {n},C1,60,130,cold,365,2020-01-01," for n in range(4)), ""]
        ).encode(),
        "product_categories.csv": "category_id,category_name,parent_id\nC1,飲料,\n".encode(),
        "staff.csv": "staff_id,staff_name,branch,route_id\nS1,髙﨑 恵,千葉支店,R1\n".encode(),
        "payment_methods.csv": b"payment_method_id,payment_method_name,payment_type,fee_rate\nPM1,Cash,cash,0\n",
    }
    for day in DAYS:
        for machine in MACHINES:
            if (machine, day) != ("VM004", MISSING):
                files[f"sales_{machine}_{day:%Y%m%d}.csv"] = sales(*rows_of(machine, day))
        files[f"replenishment_records_VM001_{day:%Y%m%d}.csv"] = visit_of("VM001", day)
    return files


def rows(database: Path) -> dict[str, list[Row]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            table: connection.sql(f"select * from {schema}.{table} order by all").to_arrow_table().to_pylist()
            for schema, tables in FOLLOWED.items()
            for table in tables
        }


def forget(database: Path, day: date) -> None:
    with duckdb.connect(str(database)) as connection:
        for schema, tables in FOLLOWED.items():
            for table in tables:
                gone = day.replace(day=1) if table == "mart_product_ranking" else day
                connection.execute(f"delete from {schema}.{table} where business_date = $gone", {"gone": gone})


def build_both(folder: Path, catalog: Catalog, parsed: Parsed) -> Built:
    (folder / "sources").mkdir(parents=True)
    fleet, dbt, built = Fleet(folder, catalog), Dbt(folder, parsed.manifest), Built()
    fleet.deliver(deliveries())
    fleet.ingest()
    short = list(rows_of("VM001", DAYS[22]))[:30]
    fleet.deliver({f"sales_VM001_{DAYS[22]:%Y%m%d}.csv": sales(*short)})
    fleet.ingest()
    wanted = " ".join(f"+{table}" for tables in FOLLOWED.values() for table in tables)
    dbt("seed")
    dbt.run(select=wanted)
    database = folder / "dbt_dev.duckdb"
    built.at_once = rows(database)
    for day in SINGLE:
        forget(database, day)
        dbt.run(day, select=" ".join(table for tables in FOLLOWED.values() for table in tables))
    built.one_by_one = rows(database)
    return built


@pytest.fixture(scope="module")
def built(catalog: Catalog, parsed: Parsed, run_folder: Path) -> Built:
    folder = run_folder / "service_windows"
    kept = folder.with_suffix(".pickle")
    with exclusive(folder.with_suffix(".lock"), "telling", on_wait=lambda _: None):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(build_both(folder, catalog, parsed)))
    found = pickle.loads(kept.read_bytes())
    assert isinstance(found, Built)
    return found


@pytest.mark.parametrize("table", [table for tables in FOLLOWED.values() for table in tables])
def test_days_built_one_by_one_are_as_if_built_at_once(built: Built, table: str) -> None:
    assert built.at_once[table]
    assert built.one_by_one[table] == built.at_once[table]


def test_the_dead_machine_is_found_and_no_other(built: Built) -> None:
    suspected = {
        (row["machine_id"], row["business_date"])
        for row in built.at_once["mart_machine_health"]
        if row["is_suspected_down"]
    }
    assert suspected == {("VM002", day) for day in DAYS if day >= DIED}


def test_a_missing_file_is_not_a_dead_machine(built: Built) -> None:
    missing = [row for row in built.at_once["mart_machine_health"] if row["is_file_missing"]]
    assert [(row["machine_id"], row["business_date"]) for row in missing] == [("VM004", MISSING)]
    gaps = built.at_once["mart_delivery_gaps"]
    assert [(row["machine_id"], row["business_date"], row["state"]) for row in gaps if row["is_missing"]] == [
        ("VM004", MISSING, "never came")
    ]


def test_the_correction_is_counted(built: Built) -> None:
    rows = built.at_once["mart_delivery_gaps"]
    corrected = [(row["machine_id"], row["business_date"], row["corrections"]) for row in rows if row["corrections"]]
    assert corrected == [("VM001", DAYS[22], 1)]


def test_the_new_price_and_the_machine_with_another_price_are_found(built: Built) -> None:
    changes = built.at_once["mart_price_changes"]
    assert [(row["product_id"], row["business_date"], row["price_before"], row["price_after"]) for row in changes] == [
        ("P2", REPRICED, 130, 150)
    ]
    assert [row["peers"] for row in changes] == [3], "the others of its category kept their price"
    # P2 is among the first two of each hour's vends as often as they are, and so loses what they lose.
    assert all(abs(row["units_change_beyond_peers"]) < 0.05 for row in changes)
    deviations = built.at_once["mart_price_deviations"]
    assert {(row["machine_id"], row["product_id"], row["unit_price"]) for row in deviations} == {("VM003", "P1", 90)}
    assert {row["business_date"] for row in deviations} == {day for day in DAYS if day >= DAYS[40]}
