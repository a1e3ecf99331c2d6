"""Files without a day, of rows that have one: what is made of them is built, exported and traced by day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from vending_platform.catalog import ContractError
from vending_platform.transformation import Why
from vending_platform_tests.end_to_end.shop import DAYS, Shop, make_shop

LONG_AGO = [date(2022, 5, day) for day in (1, 2, 3)]
PAYMENTS = {
    "models/payments.yml": """
sources:
  - name: bank
    schema: raw
    tables:
      - name: payments
        config: {meta: {files: {names: ["payments_{any}.csv"], delivery: append, first_day: 2022-01-01, key: [id],
                                day_column: paid_on}}}
        columns:
          - {name: id, data_type: integer, config: {meta: {required: true}}}
          - {name: paid_on, data_type: date, config: {meta: {required: true}}}
          - {name: yen, data_type: integer}
models:
  - name: paid
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns:
      - {name: id, data_type: bigint}
      - {name: business_date, data_type: date}
      - {name: yen, data_type: bigint}
  - name: paid_in_all
    config: {materialized: table}
    columns: [{name: yen, data_type: bigint}]
exposures:
  - name: paid_by_day
    type: application
    owner: {name: data-team}
    depends_on: [ref('paid')]
    config: {meta: {export: {format: csv, encoding: utf-8, partition_by: business_date}}}
""",
    "models/paid.sql": """
select cast(id as bigint) as id, _business_date as business_date, cast(yen as bigint) as yen
from {{ source('bank', 'payments') }} where {{ in_window('_business_date') }}
""",
    "models/paid_in_all.sql": "select cast(sum(yen) as bigint) as yen from {{ ref('paid') }}",
}
HISTORY = {1: (LONG_AGO[0], 10), 2: (LONG_AGO[1], 20), 3: (DAYS[0], 30)}
OTHERS = {4: (DAYS[0], 40), 5: (DAYS[1], 50)}
CUT_OFF = b"id,paid_on,yen\n1,2022-0"


def payments(rows: Mapping[int, tuple[date, int]]) -> bytes:
    return "".join(["id,paid_on,yen\n", *(f"{no},{day},{yen}\n" for no, (day, yen) in rows.items())]).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Its sales were built before there were any payments."""
    shop = make_shop(tmp_path, PAYMENTS)
    shop.deliver(*DAYS[:2])
    shop.transform()
    return shop


def receive(shop: Shop, **files: bytes) -> None:
    shop.raw_folder.deliver({f"payments_{name}.csv": content for name, content in files.items()})
    shop.raw_folder.ingest()


def paid(shop: Shop) -> dict[int, tuple[date, int]]:
    rows = shop.raw_folder.rows("select * from marts.paid order by id")
    return {row["id"]: (row["business_date"], row["yen"]) for row in rows}


def built(shop: Shop, **options: Any) -> dict[str, list[date]]:
    """Per model the days that a run builds, in all of its windows."""
    days: dict[str, list[date]] = {}
    for window, _ in shop.transform(**options).windows:
        for name, of_model in window.built.items():
            days.setdefault(name, []).extend(of_model)
    return days


def test_before_the_first_delivery_its_mart_exists_and_is_empty(shop: Shop) -> None:
    assert paid(shop) == {}
    assert shop.stale() == {}
    assert built(shop) == {}
    assert shop.raw_folder.rows("select * from marts.paid_in_all") == [{"yen": None}]


def test_its_days_are_built_exported_and_traced_and_no_others(shop: Shop) -> None:
    receive(shop, a=payments(HISTORY), b=payments(OTHERS))
    assert list(shop.stale()) == [*LONG_AGO[:2], *DAYS[:2]], "before these days are recorded"
    assert {name for names in shop.stale().values() for name in names} == {"paid"}
    assert built(shop) == {"paid": [*LONG_AGO[:2], *DAYS[:2]]}, "sales have no day of 2022"
    assert paid(shop) == HISTORY | OTHERS
    assert shop.stale() == {}
    assert built(shop) == {}
    shop.export()
    assert shop.exported() == {str(LONG_AGO[0]): 1, str(LONG_AGO[1]): 1, str(DAYS[0]): 2, str(DAYS[1]): 1}

    ranged = {"first_day": LONG_AGO[1], "last_day": DAYS[0]}
    assert built(shop, anew=datetime.now(UTC), **ranged)["paid"] == [LONG_AGO[1], DAYS[0]]
    assert [file.path for file in shop.traced("paid", day=str(DAYS[0])).files] == ["payments_a.csv", "payments_b.csv"]
    (file,) = shop.traced("paid", day=str(LONG_AGO[1])).files
    assert (file.path, file.rows_behind) == ("payments_a.csv", 1)


def test_a_correction_reaches_the_days_that_it_has_or_had(shop: Shop) -> None:
    receive(shop, a=payments(HISTORY), b=payments(OTHERS))
    shop.transform()
    shop.export()
    corrected = {2: (LONG_AGO[1], 21), 3: (DAYS[0], 30), 6: (LONG_AGO[2], 60)}
    receive(shop, a=payments(corrected))
    assert list(shop.stale()) == [*LONG_AGO, DAYS[0]]
    assert built(shop) == {"paid": [*LONG_AGO, DAYS[0]]}
    assert {day: work.why for work in shop.plans[-1].todo for day in work.days} == {
        LONG_AGO[2]: Why.NEW,
        **dict.fromkeys([*LONG_AGO[:2], DAYS[0]], Why.DELIVERIES),
    }
    assert paid(shop) == corrected | OTHERS
    shop.export()
    assert shop.exported() == {str(LONG_AGO[1]): 1, str(LONG_AGO[2]): 1, str(DAYS[0]): 2, str(DAYS[1]): 1}
    assert shop.raw_folder.rows("select * from marts.paid_in_all") == [{"yen": 201}]


def test_an_unusable_correction_leaves_mart_and_export_as_they_were(shop: Shop) -> None:
    receive(shop, a=payments(HISTORY), b=payments(OTHERS), c=payments({7: (DAYS[2], 70)}))
    shop.transform()
    shop.export()
    before, exported = paid(shop), shop.exported()
    receive(shop, a=CUT_OFF)
    shop.deliver(DAYS[2])
    done = shop.transform()
    assert [(block.source, block.business_date) for block in done.blocked] == [
        ("payments", day) for day in LONG_AGO[:2]
    ], "the other file of the third day is no smaller a share than the broken one"
    assert {name: days for window, _ in done.windows for name, days in window.built.items() if name != "paid"} == {
        "facts": [DAYS[2]],
        "apart": [DAYS[2]],
    }, "sales have nothing to do with it"
    assert paid(shop) == {no: row for no, row in before.items() if no != 3}
    assert not any(export.held_back for export in shop.export())
    assert shop.exported() == exported | {str(DAYS[0]): 1}

    receive(shop, a=payments(HISTORY))
    assert built(shop) == {"paid": [DAYS[0]]}
    shop.export()
    assert (paid(shop), shop.exported()) == (before, exported)


def test_where_most_files_are_unusable_everything_waits(shop: Shop) -> None:
    receive(shop, a=payments(HISTORY))
    shop.transform()
    receive(shop, a=CUT_OFF)
    done = shop.transform()
    assert {(block.source, block.business_date) for block in done.blocked} >= {("payments", None)}
    assert done.windows == []
    assert paid(shop) == HISTORY
    assert shop.raw_folder.rows("select * from marts.paid_in_all") == [{"yen": 60}]


def test_a_table_that_becomes_incremental_is_built_by_day_and_back(shop: Shop) -> None:
    receive(shop, a=payments(HISTORY))
    shop.transform()
    by_day = "paid\n    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}"
    as_a_whole = "paid\n    config: {materialized: table}"
    shop.edit("models/payments.yml", lambda text: text[: text.index("exposures:")].replace(by_day, as_a_whole))
    receive(shop, b=payments(OTHERS))
    assert [window.models[0].name for window, _ in shop.transform().windows][:1] == ["paid"]
    assert paid(shop) == HISTORY | OTHERS
    shop.edit("models/payments.yml", lambda text: text.replace(as_a_whole, by_day))
    receive(shop, b=payments({5: (DAYS[1], 55)}))
    assert built(shop)["paid"] == [*LONG_AGO[:2], *DAYS[:2]]
    assert paid(shop) == HISTORY | {5: (DAYS[1], 55)}


def test_without_a_day_column_it_can_not_be_incremental(shop: Shop) -> None:
    without = ",\n                                day_column: paid_on"
    shop.edit("models/payments.yml", lambda text: text.replace(without, ""))
    with pytest.raises(ContractError) as refused:
        _ = shop.catalog
    assert refused.value.problems == [
        "models/paid.sql: model paid: an incremental model is built by business day, and none of its sources has days"
        " (payments says no day_column): materialize it as a table, or give an append source its day_column"
    ]
