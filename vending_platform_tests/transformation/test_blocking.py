"""What must wait for a person, decided from the ledger alone."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.ledger import FILES_SCHEMA
from vending_platform.transformation.blocking import BlockedDay, blocked_days, blocks
from vending_platform_tests.transformation.ledger import told_of

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
File = tuple[str, date | None, str]
MASTERS: list[File] = [("vending_machines", None, "loaded"), ("products", None, "loaded")]


def blocks_of(catalog: Catalog, *files: File) -> list[BlockedDay]:
    rows = [
        {"file_id": str(number), "source": source, "business_date": day, "state": state, "in_raw": state == "loaded"}
        for number, (source, day, state) in enumerate(files)
    ]
    nothing = dict.fromkeys(FILES_SCHEMA.names)
    moment = {"modified_at": datetime(2024, 4, 10, tzinfo=UTC)}
    return blocks(catalog, told_of(catalog, [nothing | moment | row for row in rows]))


def day_of(loaded: int, quarantined: int, source: str = "sales") -> list[File]:
    states = ["loaded"] * loaded + ["quarantined"] * quarantined
    return [(source, DAY, state) for state in states]


@pytest.mark.parametrize(("loaded", "quarantined", "blocked"), [(7, 3, False), (6, 3, True), (0, 1, True)])
def test_a_day_waits_when_a_larger_share_is_in_quarantine_than_its_contract_allows(
    catalog: Catalog, loaded: int, quarantined: int, blocked: bool
) -> None:
    found = blocks_of(catalog, *MASTERS, *day_of(loaded, quarantined), ("sales", NEXT_DAY, "loaded"))
    assert [(block.source, block.business_date) for block in found] == ([("sales", DAY)] if blocked else [])


def test_a_contract_may_never_stop_a_day(catalog: Catalog) -> None:
    assert blocks_of(catalog, *MASTERS, *day_of(0, 4, "replenishment_records")) == []


def test_nothing_is_built_on_a_master_that_everything_needs_and_nobody_delivered(catalog: Catalog) -> None:
    (block,) = blocks_of(catalog, ("vending_machines", None, "loaded"), *day_of(3, 0))
    assert (block.source, block.business_date) == ("products", None)
    days = blocked_days(catalog.models, [block])
    assert None in days["fct_sales"]
    assert None in days["dim_products"]
    assert "dim_machines" not in days
    assert not {model.name for model in catalog.models if model.is_view} & days.keys()


CUT_OFF: list[File] = [("slips", None, "quarantined")]


@pytest.mark.parametrize(("loaded", "quarantined", "blocked"), [(1, 1, False), (1, 2, True), (0, 1, True)])
def test_files_that_add_rows_wait_as_those_of_a_day_do(
    catalog: Catalog, loaded: int, quarantined: int, blocked: bool
) -> None:
    sales = catalog.source("sales")
    changes = {"delivery": DeliveryMode.APPEND, "names": ("s_{any}.csv",), "day_column": None, "block_above": 0.5}
    files = sales.files.model_copy(update=changes)
    slips = sales.model_copy(update={"name": "slips", "files": files})
    with_it = replace(catalog, sources=(*catalog.sources, slips))
    found = blocks_of(with_it, *MASTERS, *[("slips", None, "loaded")] * loaded, *CUT_OFF * quarantined)
    assert [(block.source, block.business_date) for block in found] == ([("slips", None)] if blocked else [])


@pytest.mark.parametrize(("loaded", "block_above", "blocked"), [(0, 0.5, True), (0, 1, False), (1, 0.2, False)])
def test_a_master_waits_while_nothing_that_was_ever_delivered_of_it_can_be_used(
    catalog: Catalog, loaded: int, block_above: float, blocked: bool
) -> None:
    staff = catalog.source("staff")
    staff = staff.model_copy(update={"files": staff.files.model_copy(update={"block_above": block_above})})
    sources = tuple(staff if source.name == "staff" else source for source in catalog)
    files: list[File] = [("staff", None, "loaded")] * loaded
    found = blocks_of(replace(catalog, sources=sources), *MASTERS, *files, ("staff", DAY, "quarantined"))
    assert [(block.source, block.business_date) for block in found] == ([("staff", None)] if blocked else [])


def test_where_nothing_was_delivered_nothing_waits(catalog: Catalog) -> None:
    assert blocks_of(catalog) == []


def test_a_bad_day_stops_its_own_day_of_the_models_that_rest_on_it(catalog: Catalog) -> None:
    days = blocked_days(catalog.models, blocks_of(catalog, *MASTERS, *day_of(1, 2)))
    assert days["fct_sales"] == days["mart_machine_daily"] == {DAY}
    assert "fct_replenishments" not in days
    assert "dim_products" not in days
