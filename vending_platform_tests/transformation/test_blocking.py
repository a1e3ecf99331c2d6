"""What must wait for a person, decided from the ledger alone."""

from datetime import UTC, date, datetime

import pytest

from vending_platform.catalog import Catalog
from vending_platform.ingestion.ledger import FILES_SCHEMA
from vending_platform.transformation.blocking import Block, blocked_days, blocks
from vending_platform_tests.transformation.ledger import told_of

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
File = tuple[str, date | None, str]
MASTERS: list[File] = [("vending_machines", None, "loaded"), ("products", None, "loaded")]


def blocks_of(catalog: Catalog, *files: File) -> list[Block]:
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


def test_where_nothing_was_delivered_nothing_waits(catalog: Catalog) -> None:
    assert blocks_of(catalog) == []


def test_a_bad_day_stops_its_own_day_of_the_models_that_rest_on_it(catalog: Catalog) -> None:
    days = blocked_days(catalog.models, blocks_of(catalog, *MASTERS, *day_of(1, 2)))
    assert days["fct_sales"] == days["mart_machine_daily"] == {DAY}
    assert "fct_replenishments" not in days
    assert "dim_products" not in days
