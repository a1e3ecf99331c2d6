"""What the ledger says of files that a store has now."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vending_platform.catalog import Catalog, NameParts
from vending_platform.ledger import Delivered, FileState, FileVersion, FileVersions, file_rows
from vending_platform.storage import StoredFile

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
FILE = StoredFile("sales_VM001_20240301.csv", 10, "1-a", NOON)
PARTS = NameParts("VM001", date(2024, 3, 1))
VERSION = FileVersion(
    file_id="f1",
    source="sales",
    path=FILE.path,
    sender=PARTS.sender,
    business_date=PARTS.business_date,
    size=FILE.size,
    etag=FILE.etag,
    modified_at=FILE.modified_at,
    sha256="a",
    contract_hash="c",
    encoding="utf-8",
    state=FileState.LOADED,
    in_raw=True,
    dismissed=False,
    rows_accepted=1,
    rows_rejected=0,
    reason=None,
    drift=None,
    first_seen_at=NOON,
    loaded_at=NOON,
    ended_at=None,
    run_id="r",
)
MASTER = replace(VERSION, file_id="m1", source="products", path="products.csv", sender=None, business_date=None)


def ledger_of(*versions: FileVersion) -> FileVersions:
    return FileVersions(file_rows(versions))


@pytest.mark.parametrize(
    ("known", "is_unchanged"),
    [
        ({}, True),
        ({"state": FileState.QUARANTINED, "in_raw": False, "reason": "cut off"}, True),
        ({"in_raw": False}, False),  # a replay has emptied its table
        ({"state": FileState.WITHDRAWN}, False),  # it was gone, and is there again
        ({"state": FileState.SUPERSEDED}, False),
        ({"source": "replenishment_records"}, False),
        ({"path": "elsewhere/" + FILE.path}, False),
        ({"size": 11}, False),
        ({"etag": "1-b"}, False),
        ({"modified_at": NOON + timedelta(microseconds=1)}, False),
        ({"sender": "VM002"}, False),
        ({"sender": None}, False),
        ({"business_date": date(2024, 3, 2)}, False),
        ({"business_date": None}, False),
    ],
)
def test_a_file_is_unchanged_if_store_and_name_say_what_they_said(
    catalog: Catalog, known: dict[str, Any], is_unchanged: bool
) -> None:
    delivered = Delivered(catalog.source("sales"), FILE, PARTS)
    changed = ledger_of(MASTER, replace(VERSION, **known)).changed([delivered])
    assert changed == ([] if is_unchanged else [delivered])


def test_a_file_whose_name_says_nothing_can_be_unchanged(catalog: Catalog) -> None:
    master = Delivered(catalog.source("products"), FILE._replace(path="products.csv"), NameParts(None, None))
    assert ledger_of(VERSION, MASTER).changed([master]) == []
    assert ledger_of(VERSION, MASTER).changed([]) == []
    assert ledger_of().changed([master]) == [master]


def test_what_is_gone_is_what_counts_and_was_not_delivered(catalog: Catalog) -> None:
    before = replace(VERSION, file_id="f0", state=FileState.SUPERSEDED)
    ledger = ledger_of(VERSION, before, MASTER)
    sales = Delivered(catalog.source("sales"), FILE, PARTS)
    assert list(ledger.current_versions()) == [MASTER, VERSION]
    assert list(ledger.current_versions(without=[sales])) == [MASTER]
    assert list(ledger.current_versions(without=[sales], among=[FILE.path])) == []
    assert list(ledger.current_versions(among=[FILE.path])) == [VERSION]


def test_the_ledger_about_some_paths_knows_all_of_them_and_nothing_else() -> None:
    before = replace(VERSION, file_id="f0", state=FileState.SUPERSEDED)
    about = ledger_of(before, MASTER, VERSION).about([FILE.path])
    assert about.versions("sales", FILE.path) == [before, VERSION]
    assert about.current("sales", FILE.path) == VERSION
    assert about.version("f0") == before
    assert about.current("products", "products.csv") is None
    assert list(about.of_source("products")) == []
