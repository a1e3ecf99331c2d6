"""The marts of money over a month's end: built one day after the other in any order they have the same rows as
built at once, a correction moves what it has to, and cash that is missing is found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vending_platform.catalog import Catalog
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.dbt_project.test_windows import PRODUCTS_HEADER, Fleet
from vending_platform_tests.ingestion.raw_folder import machines_file, sales, sales_row
from vending_platform_tests.parsed import Parsed

DAYS = [date(2024, 2, 28) + timedelta(days=n) for n in range(4)]
IN_ANY_ORDER = [DAYS[n] for n in (2, 0, 3, 1)]
CORRECTED, MISSING, STOLEN = ("VM002", DAYS[1]), ("VM001", DAYS[2]), ("VM002", DAYS[3])
MARTS = ("mart_cash_reconciliation", "mart_cashless_settlement", "mart_machine_profitability", "mart_waste")
MONEY = "path:models/marts/finance"
WITH_WHAT_IT_IS_MADE_OF = f"{MONEY} path:models/intermediate/finance path:seeds/finance"
VISIT_HEADER = (
    "record_id,visit_id,machine_id,staff_id,replenished_at,slot_no,product_id,quantity_before,quantity_added,"
    "quantity_removed,removal_reason,cash_collected,sales_meter"
)
MASTERS = {
    "vending_machines.csv": machines_file(("VM001", "2020-01-01", ""), ("VM002", "2020-01-01", "")),
    "products.csv": (
        PRODUCTS_HEADER
        + "\n"
        + "".join(f"P{n:04d},,Product {n},{('C01', 'C77')[n % 2]},60,130,cold,365,2020-01-01,\n" for n in range(40))
    ).encode(),
    "product_categories.csv": "category_id,category_name,parent_id\nC01,飲料,\nC77,雑貨,\n".encode(),
    "staff.csv": "staff_id,staff_name,branch,route_id\nS1,髙﨑 恵,千葉支店,R1\n".encode(),
    "payment_methods.csv": "payment_method_id,payment_method_name,payment_type,fee_rate\nPM0,現金,cash,0\n"
    "PM1,交通系ICカード,e_money,0.0250\n".encode(),
}

Row = dict[str, Any]
Marts = Mapping[str, list[Row]]


@dataclass
class Story:
    results: dict[str, str] = field(default_factory=dict)
    marts: dict[str, Marts] = field(default_factory=dict)


def sales_of(machine: str, day: date, price: int = 130) -> bytes:
    """Ten vends, five of them in cash, from 08:00 on; until 09:00 nothing but number 0."""
    rows = [
        sales_row(n, machine, str(day), sold_at=f"{day} {8 + n:02d}:30:00", unit_price=price, payment_method_id=paid)
        for n, paid in enumerate(("PM0", "PM1") * 5)
    ]
    return sales(*rows)


def visit_of(machine: str, day: date) -> bytes:
    """A day's box: numbers 2, 4, 6, 8 of the day before and number 0 of this one."""
    cash = 5 * 130 - (600 if (machine, day) == STOLEN else 0)
    meter = 10_000 + 10 * 130 * (day - DAYS[0]).days
    slots = [f"01,P0001,3,10,1,expired,{cash},{meter}", "02,P0002,3,10,0,,,"]
    rows = [f"R-{machine}-{day}-{slot[:2]},V-{machine}-{day},{machine},S1,{day} 09:00:00,{slot}" for slot in slots]
    return ("\n".join([VISIT_HEADER, *rows]) + "\n").encode()


def play(folder: Path, catalog: Catalog, parsed: Parsed) -> Story:
    (folder / "sources").mkdir(parents=True)
    fleet, dbt, story = Fleet(folder, catalog), Dbt(folder, parsed.manifest), Story()
    deliveries = dict(MASTERS)
    for day in DAYS:
        for machine in ("VM001", "VM002"):
            if (machine, day) != MISSING:
                deliveries[f"sales_{machine}_{day:%Y%m%d}.csv"] = sales_of(machine, day)
            deliveries[f"replenishment_records_{machine}_{day:%Y%m%d}.csv"] = visit_of(machine, day)
    fleet.deliver(deliveries)
    fleet.ingest()
    dbt("seed")
    dbt.run(select=f"+{MONEY}")
    story.results = dbt.build(select=WITH_WHAT_IT_IS_MADE_OF)
    story.marts["at once"] = marts(folder)

    with duckdb.connect(str(folder / "dbt_dev.duckdb")) as connection:
        for mart in MARTS:
            connection.execute(f"drop table marts.{mart}")
    for day in IN_ANY_ORDER:
        dbt.run(day, select=MONEY)
    story.marts["day by day"] = marts(folder)

    machine, day = CORRECTED
    fleet.deliver({f"sales_{machine}_{day:%Y%m%d}.csv": sales_of(machine, day, price=100)})
    fleet.ingest()
    dbt.run(day, DAYS[-1], select=f"+{MONEY}")
    story.marts["corrected"] = marts(folder)
    dbt.run(full_refresh=True, select=f"+{MONEY}")
    story.marts["corrected, from nothing"] = marts(folder)
    return story


def marts(folder: Path) -> Marts:
    with duckdb.connect(str(folder / "dbt_dev.duckdb"), read_only=True) as connection:
        return {
            mart: connection.sql(f"select * from marts.{mart} order by all").to_arrow_table().to_pylist()
            for mart in MARTS
        }


@pytest.fixture(scope="module")
def story(catalog: Catalog, parsed: Parsed, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return play(tmp_path_factory.mktemp("money") / "fleet", catalog, parsed)


def test_all_checks_pass_but_for_the_category_that_the_tax_seed_does_not_name(story: Story) -> None:
    good = ("success", "pass", "no-op")
    assert {name for name, status in story.results.items() if status not in good} == {
        "every_category_sold_has_a_tax_rate"
    }
    assert story.results["every_category_sold_has_a_tax_rate"] == "warn"


def test_days_built_in_any_order_equal_one_build(story: Story) -> None:
    assert all(story.marts["at once"].values())
    assert story.marts["day by day"] == story.marts["at once"]


def test_cash_that_is_missing_is_found_and_a_missing_file_raises_no_alarm(story: Story) -> None:
    boxes = story.marts["at once"]["mart_cash_reconciliation"]
    assert [(row["machine_id"], row["business_date"], row["variance"]) for row in boxes if row["is_breached"]] == [
        (*STOLEN, -600)
    ]
    without_file = [row for row in boxes if row["days_without_sales"]]
    assert {(row["machine_id"], row["business_date"]) for row in without_file} == {
        MISSING,
        (MISSING[0], MISSING[1] + timedelta(days=1)),
    }
    # 1,300 yen by the meter; the files list 4 vends in cash and 5 without, or 1 in cash.
    assert {(row["basis"], row["cash_by_meter"] - row["cash_sold"]) for row in without_file} == {
        ("meter_and_share", 130),
        ("meter_and_share", 9 * 130),
    }


def test_goods_at_two_rates_are_taxed_each_at_its_own(story: Story) -> None:
    (february,) = (
        row
        for row in story.marts["at once"]["mart_machine_profitability"]
        if (row["machine_id"], row["business_date"]) == ("VM001", date(2024, 2, 1))
    )
    # 2 days × 5 vends × 130 yen at each rate: 1,300 × 8 / 108 = 96.3 and 1,300 × 10 / 110 = 118.2.
    assert (february["sales_with_tax"], february["tax_amount"]) == (2600, 96 + 118)


def test_a_fee_is_rounded_once_per_settlement_and_its_parts_add_up(story: Story) -> None:
    """Of a machine's day 5 vends of 130 yen are paid by IC, whose 2.50 % are 16.25 yen; a month is settled as one."""
    settled = story.marts["at once"]["mart_cashless_settlement"]
    # 32.50 → 33, and 65 with the next day's. March begins with the file of one machine: 16.25 → 16, then 48.75 → 49.
    assert [(row["business_date"], row["payment_fee"]) for row in settled] == list(
        zip(DAYS, (33, 65 - 33, 16, 49 - 16), strict=True)
    )
    of_machines = Counter[date]()
    for row in story.marts["at once"]["mart_machine_profitability"]:
        of_machines[row["business_date"]] += row["payment_fee"]
    assert of_machines == {date(2024, 2, 1): 65, date(2024, 3, 1): 49}


def test_a_correction_moves_what_depends_on_it_and_nothing_before(story: Story) -> None:
    before, after = story.marts["at once"], story.marts["corrected"]
    assert after == story.marts["corrected, from nothing"]
    settled = [
        row["business_date"]
        for row in after["mart_cashless_settlement"]
        if row not in before["mart_cashless_settlement"]
    ]
    assert settled == [CORRECTED[1]], "the next day is another month's"
    moved = {
        mart: {(row["machine_id"], row["business_date"]) for row in after[mart] if row not in before[mart]}
        for mart in ("mart_cash_reconciliation", "mart_machine_profitability")
    }
    assert moved == {
        "mart_cash_reconciliation": {CORRECTED, (CORRECTED[0], CORRECTED[1] + timedelta(days=1))},
        # The fee of the other machine was a yen more; now it leaves over more than the corrected one, and is first.
        "mart_machine_profitability": {("VM001", date(2024, 2, 1)), (CORRECTED[0], date(2024, 2, 1))},
    }
