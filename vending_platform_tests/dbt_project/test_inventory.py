"""The inventory's models look back and ahead; in whatever pieces and order they are built, they give the same rows.

Two machines of three slots over eleven weeks, made up by chance: a slot is counted every few days or not for weeks, and
some visits and sales were never delivered.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vending_platform.catalog import Catalog
from vending_platform.file_lock import exclusive
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.parsed import Parsed

FIRST, DAYS = date(2024, 3, 1), 77
LATER = ["int_slot_empty_spells", "int_slot_velocities"], ["fct_stockouts", "mart_replenishment_recommendation"]
RHYTHMS = ["int_route_rhythms", "int_machine_rhythms"]
IN_TURN = (["int_slot_stretches", "fct_slot_inventory_daily", *RHYTHMS], *LATER, ["mart_pick_list"])
"""What a day of a model rests on may be another day of a model before it."""
MODELS = [model for models in IN_TURN for model in models]
VIEWS = ["int_slot_empty_hours", "int_machines_tomorrow", "int_forecast_demand"]
SPANS = [(42, 76), (0, 40), (41, 41)]
"""Pieces of the eleven weeks, the last first, and a day between them at the end."""


def moment(day: date, hour: float) -> datetime:
    return datetime.combine(day, time()) + timedelta(hours=hour)


def history(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of what the inventory is built from, by table."""
    chance = random.Random(seed)
    last_day = FIRST + timedelta(days=DAYS)
    for product in ("P1", "P2"):
        yield "int_products_versioned", {"product_id": product}
    for machine in ("M1", "M2"):
        removed_on = last_day - timedelta(days=9) if machine == "M2" else None
        yield "int_machines_versioned", {"machine_id": machine, "removed_on": removed_on}
        sold_on: dict[date, int] = {}
        visited_on = set()
        for slot, (every, rate) in enumerate([(3, 3), (9, 1), (44, 2)]):
            units, nth = 12, 0
            for day in (FIRST + timedelta(days=number) for number in range(DAYS)):
                is_lost = (day - FIRST).days in (29, 30) or chance.random() < 0.04
                vends = sorted(chance.uniform(6, 22) for _ in range(chance.randint(0, 2 * rate)))
                visit = chance.uniform(8, 18) if (day - FIRST).days % every == slot else 99.0
                for hour in [
                    *(hour for hour in vends if hour < visit),
                    visit,
                    *(hour for hour in vends if hour > visit),
                ]:
                    nth += 1
                    row: dict[str, Any] = {
                        "machine_id": machine,
                        "slot_no": str(slot),
                        "product_id": "P1" if day < FIRST + timedelta(days=33) else "P2",
                        "business_date": day,
                    }
                    if hour == 99.0:
                        continue
                    is_delivered = not is_lost or chance.random() < 0.3
                    if hour == visit:
                        before, added = units, 0 if chance.random() < 0.1 else 12 - units
                        units += added
                        if is_delivered:
                            visited_on.add(day)
                            row |= {"replenishment_id": f"{machine}{slot}{nth}", "replenished_at": moment(day, hour)}
                            row |= {"quantity_before": before, "quantity_added": added, "quantity_removed": 0}
                            yield "fct_replenishments", row | {"quantity_after": units}
                    elif units > 0:
                        units -= 1
                        if is_delivered:
                            sold_on[day] = sold_on.get(day, 0) + 1
                            row |= {"transaction_id": f"{machine}{slot}{nth}", "sold_at": moment(day, hour)}
                            yield "fct_sales", row
        for day in sold_on.keys() | visited_on:
            daily = {"units_sold": sold_on.get(day, 0), "visits": int(day in visited_on)}
            yield "mart_machine_daily", {"machine_id": machine, "business_date": day} | daily
    for evening in range(40, DAYS, 2):
        for ahead in range(1, 15):
            forecast = {"machine_id": "M1", "product_id": "P2", "days_ahead": ahead, "units_expected": 1 + ahead % 3}
            yield "stg_forecasts__daily_unit_forecasts", forecast | {"business_date": FIRST + timedelta(days=evening)}


TABLES = {
    "intermediate.int_vends_failed": "business_date date",
    "marts.fct_sales": "transaction_id varchar, machine_id varchar, slot_no varchar, product_id varchar, "
    "business_date date, sold_at timestamp, status varchar default 'completed', units_sold integer default 1, "
    "unit_price integer default 130",
    "marts.fct_replenishments": "replenishment_id varchar, machine_id varchar, slot_no varchar, product_id varchar, "
    "business_date date, replenished_at timestamp, quantity_before integer, quantity_added integer, "
    "quantity_removed integer, quantity_after integer",
    "marts.mart_machine_daily": "machine_id varchar, business_date date, route_id varchar default 'R1', "
    "units_sold integer, visits integer, sales_with_tax integer default 130, margin_without_tax integer default 65, "
    "vends_without_margin integer default 0",
    "intermediate.int_machines_versioned": "machine_id varchar, removed_on date, route_id varchar default 'R1', "
    "status varchar default 'active', installed_on date, commission_rate decimal(5, 4) default 0.1, "
    "location_type varchar default 'school', valid_from date default '1900-01-01', "
    "valid_to date default '9999-12-31'",
    "intermediate.int_products_versioned": "product_id varchar, product_name varchar, "
    "category_id varchar default 'C11', "
    "temperature varchar default 'cold', list_price integer default 2600, valid_from date default '1900-01-01', "
    "valid_to date default '9999-12-31'",
    "staging.stg_forecasts__daily_unit_forecasts": "machine_id varchar, product_id varchar, business_date date, "
    "days_ahead integer, units_expected decimal(18, 4), units_q10 decimal(18, 4) default 0, "
    "units_q90 decimal(18, 4) default 5",
}


def deliver(database: Path) -> None:
    schemas = {table.split(".")[1]: table for table in TABLES}
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema intermediate; create schema marts; create schema staging")
        for table, columns in TABLES.items():
            connection.execute(f"create table {table} ({columns})")
        for table, row in history(seed=5):
            marks = ", ".join("?" for _ in row)
            connection.execute(f"insert into {schemas[table]} ({', '.join(row)}) values ({marks})", [*row.values()])


def rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            model: connection.execute(
                f"select * from {'intermediate' if model.startswith('int_') else 'marts'}.{model} order by all"
            ).fetchall()
            for model in MODELS
        }


@pytest.fixture(scope="module")
def built(run_folder: Path, parsed: Parsed) -> Dbt:
    """Everything at once."""
    dbt = Dbt(run_folder / "inventory", parsed.manifest)
    with exclusive(dbt.folder.with_suffix(".lock"), "building", on_wait=lambda _: None):
        if not (dbt.folder / "done").exists():
            dbt.folder.mkdir(exist_ok=True)
            deliver(dbt.folder / "dbt_dev.duckdb")
            dbt("seed")
            dbt.run(select=" ".join([*MODELS, *VIEWS]))
            (dbt.folder / "done").touch()
    return dbt


@pytest.fixture(scope="module")
def at_once(built: Dbt) -> dict[str, list[tuple[Any, ...]]]:
    return rows(built.folder / "dbt_dev.duckdb")


def test_the_simulated_weeks_have_every_kind_of_event(at_once: dict[str, list[tuple[Any, ...]]], built: Dbt) -> None:
    """Or the tests beside this one would hold nothing against nothing."""
    assert all(at_once.values())
    with duckdb.connect(str(built.folder / "dbt_dev.duckdb"), read_only=True) as connection:
        happened = connection.execute(
            "select count(*) filter (closing_units is null), count(*) filter (drift_units <> 0),"
            " count(*) filter (is_negative), count(distinct capacity), max(business_date) filter (machine_id = 'M2')"
            " from marts.fct_slot_inventory_daily"
        ).fetchall()[0]
        planned = connection.execute(
            "select max(business_date) filter (machine_id = 'M1'), max(business_date) filter (machine_id = 'M2')"
            " from marts.mart_replenishment_recommendation"
        ).fetchall()[0]
        forecast = connection.execute(
            "select count(*) filter (is_forecast), count(*) filter (not is_forecast)"
            " from marts.mart_replenishment_recommendation"
        ).fetchall()[0]
        assert all(forecast)
        ended = connection.execute("select count(*), count(ended_at), count(units_lost) from marts.fct_stockouts")
        unknown, drifted, negative, capacities, last_day = happened
        assert all((unknown, drifted, negative))
        assert capacities > 1
        assert last_day == FIRST + timedelta(days=DAYS - 9), "nothing of a machine that was taken away"
        assert planned == (last_day + timedelta(days=8), last_day - timedelta(days=2)), "no visit on its last day"
        episodes, over, known = ended.fetchall()[0]
        assert episodes > over > 5
        assert known > 5


def test_a_planning_day_reads_the_machines_of_the_next_day(catalog: Catalog) -> None:
    """A master of tomorrow has today's plan made again, and a sale of tomorrow does not."""
    plan = next(model for model in catalog.models if model.name == "mart_pick_list")
    day = date(2024, 3, 10)
    assert plan.days_reached("vending_machines", day, day)[0] == day - timedelta(days=1)
    assert plan.days_reached("sales", day, day)[0] == day


def test_builds_of_pieces_in_any_order_equal_one_build(built: Dbt, at_once: dict[str, list[tuple[Any, ...]]]) -> None:
    with duckdb.connect(str(built.folder / "dbt_dev.duckdb")) as connection:
        for model in MODELS:
            connection.execute(f"delete from {'intermediate' if model.startswith('int_') else 'marts'}.{model}")
    for models in (IN_TURN[0], IN_TURN[1], [*IN_TURN[2], *IN_TURN[3]]):
        for first, last in SPANS:
            built.run(FIRST + timedelta(days=first), FIRST + timedelta(days=last), select=" ".join(models))
    in_pieces = rows(built.folder / "dbt_dev.duckdb")
    for model in MODELS:
        assert in_pieces[model] == at_once[model], model
