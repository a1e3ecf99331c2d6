"""What a trace names, held against the truth: no line that it does not name changes the row, whether it is gone or says
something else."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from vending_platform.catalog import Catalog
from vending_platform.lineage.provenance import Trace, resolve, trace
from vending_platform_tests.lineage.provenance.truth import LAST_DAY, NamedLine, Truth, make_truth
from vending_platform_tests.shared import made_once, shared_folder

GROUPS = 2
"""So that no day is left without a delivery of any machine: that a trace says in words."""
KEYS = {
    "fct_replenishments": ("replenishment_id",),
    "fct_sales": ("transaction_id",),
    "fct_slot_inventory_daily": ("machine_id", "slot_no", "business_date"),
    "fct_stockouts": ("machine_id", "slot_no", "started_at"),
    "mart_cash_reconciliation": ("machine_id", "visit_id", "business_date"),
    "mart_cashless_settlement": ("payment_method_id", "business_date"),
    "mart_delivery_gaps": ("machine_id", "business_date"),
    "mart_machine_daily": ("machine_id", "business_date"),
    "mart_machine_health": ("machine_id", "business_date"),
    "mart_machine_profitability": ("machine_id", "business_date"),
    "mart_pick_list": ("route_id", "product_id", "business_date"),
    "mart_prefecture_daily": ("prefecture", "business_date"),
    "mart_product_daily": ("product_id", "business_date"),
    "mart_product_ranking": ("product_id", "business_date", "segment_type", "segment_value"),
    "mart_replenishment_recommendation": ("machine_id", "slot_no", "business_date"),
    "mart_route_productivity": ("route_id", "staff_key", "business_date"),
    "mart_waste": ("machine_id", "product_id", "business_date"),
}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterator[Truth]:
    folder = shared_folder(tmp_path_factory) / "truth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "_MOST_LINES", 1_000_000)
        yield Truth(made_once(folder, lambda made: make_truth(made, catalog)), catalog)


def traced(truth: Truth, mart: str, said: Row) -> Trace:
    with truth.fleet.warehouse.reading() as reader:
        return trace(truth.catalog, reader, mart, [(name, str(value)) for name, value in said.items()], with_lines=True)


def named(truth: Truth, found: Trace) -> set[NamedLine]:
    return {(file.source, truth.file_id(file.path), line.number) for file in found.files for line in file.lines}


def where(said: Row) -> str:
    return " and ".join(f"{name} = '{value}'" for name, value in said.items())


def hold_against_the_truth(truth: Truth, mart: str, said: Row) -> Trace:
    """No other line changes the row."""
    found = traced(truth, mart, said)
    before = truth.row(mart, where(said))
    assert before, said
    others = sorted(truth.lines() - named(truth, found))
    assert truth.row(mart, where(said), changed=others) == before
    random.Random(str(said)).shuffle(others)
    for group in range(GROUPS):
        assert truth.row(mart, where(said), without=others[group::GROUPS]) == before
    return found


def test_a_recommendation_rests_on_weeks_of_its_machine_and_on_its_routes_other_machines(truth: Truth) -> None:
    said = {"machine_id": "VM003", "slot_no": "01", "business_date": LAST_DAY}
    found = hold_against_the_truth(truth, "mart_replenishment_recommendation", said)
    own = {file.sender for file in found.files if not file.is_peer}
    peers = {file.sender for file in found.files if file.rows_compared}
    assert own - {None} == {"VM003"}
    assert peers - own == {"VM004"}, "and none of another route"
    days = {file.business_date for file in found.files if file.source == "sales"}
    assert LAST_DAY in days
    assert LAST_DAY - timedelta(days=40) in days
    assert found.notes == (
        "It also rests on the days on which any machine delivered anything; no line shows that by itself, so none is"
        " named for it.",
        "A row of mart_replenishment_recommendation is compared with others; what only they rest on is marked as such.",
    )

    # The truth is able to tell: of the last vends of the slot each one moves the row.
    vends = [
        (file.path, line.number)
        for file in found.files
        for line in file.lines
        if file.source == "sales" and line.values["machine_id"] == "VM003" and line.values["slot_no"] == "01"
    ]
    before = truth.row("mart_replenishment_recommendation", where(said))
    for path, number in vends[-2:]:
        line = ("sales", truth.file_id(path), number)
        assert truth.row("mart_replenishment_recommendation", where(said), changed=[line]) != before


def test_a_collection_rests_on_what_came_since_the_one_before_it(truth: Truth) -> None:
    rows = truth.rows_of(
        "mart_cash_reconciliation",
        ("machine_id", "visit_id", "business_date", "days_since_last"),
        "days_since_last is not null and machine_id = 'VM001'",
    )
    *_, last = rows
    days = last.pop("days_since_last")
    found = hold_against_the_truth(truth, "mart_cash_reconciliation", last)
    since = last["business_date"] - timedelta(days=days)
    delivered = [file for file in found.files if file.source in ("sales", "replenishment_records")]
    assert {file.sender for file in delivered} == {"VM001"}
    assert {file.business_date for file in delivered if file.source == "sales"} == {
        since + timedelta(days=number) for number in range(days + 1)
    }
    assert len([file for file in delivered if file.source == "replenishment_records"]) == 2


@pytest.mark.proof
@pytest.mark.parametrize("mart", KEYS)
@pytest.mark.parametrize("number", range(2))
def test_no_row_of_any_mart_rests_on_a_line_that_is_not_named(truth: Truth, mart: str, number: int) -> None:
    rows = [row for row in truth.rows_of(mart, KEYS[mart]) if None not in row.values()]
    hold_against_the_truth(truth, mart, random.Random(f"{mart}{number}").choice(rows))
