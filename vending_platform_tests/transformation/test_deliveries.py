"""What a warehouse sums up of the ledger, whichever warehouse it is."""

from datetime import UTC, date, datetime
from typing import Any

from vending_platform.catalog import Catalog
from vending_platform.ledger import FILES_SCHEMA, FileGroup
from vending_platform.transformation.deliveries import DeliveredFiles, read_deliveries
from vending_platform.warehouse import Warehouse
from vending_platform_tests.transformation.ledger import note

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
STORED = datetime(2024, 3, 7, 1, 2, 3, 456789, UTC)


def file(name: str, source: str = "sales", day: date | None = DAY, state: str = "loaded") -> dict[str, Any]:
    said = {"file_id": name, "source": source, "business_date": day, "state": state, "in_raw": state != "quarantined"}
    return (
        dict.fromkeys(FILES_SCHEMA.names)
        | {"path": f"{name}.csv", "sha256": f"of {name}", "contract_hash": "its contract"}
        | said
    )


def told(warehouse: Warehouse, catalog: Catalog, *files: dict[str, Any]) -> DeliveredFiles:
    with warehouse.writing("test", lambda _: None) as writer:
        note(writer, catalog, [one | {"modified_at": STORED} for one in files])
        return read_deliveries(writer, catalog)


def test_where_there_is_no_ledger_nothing_was_delivered(warehouse: Warehouse, catalog: Catalog) -> None:
    with warehouse.writing("test", lambda _: None) as writer:
        assert read_deliveries(writer, catalog) == DeliveredFiles()


def test_files_are_summed_up_by_what_became_of_them(warehouse: Warehouse, catalog: Catalog) -> None:
    loaded, broken = [file(name) for name in "abc"], file("d", state="quarantined")
    master = file("m", "products", day=None)
    files = [*loaded, broken, file("e", day=NEXT_DAY), master]
    found = told(warehouse, catalog, *files)
    assert told(warehouse, catalog, *reversed(files)) == found
    (version,) = found.masters
    assert (version.content, version.version.file_id, version.version.version_day) == (
        "of m its contract",
        "m",
        STORED.date(),
    )
    by_kind = {(files.source, files.business_date, files.state): files for files in found.files}
    assert {kind: (files.count, files.in_raw) for kind, files in by_kind.items()} == {
        ("sales", DAY, "loaded"): (3, True),
        ("sales", DAY, "quarantined"): (1, False),
        ("sales", NEXT_DAY, "loaded"): (1, True),
        ("products", None, "loaded"): (1, True),
    }


def test_a_fingerprint_tells_which_files_these_are_and_nothing_else(warehouse: Warehouse, catalog: Catalog) -> None:
    def fingerprint(*names: str) -> int:
        (files,) = told(warehouse, catalog, *map(file, names)).files
        assert isinstance(files, FileGroup)
        return files.fingerprint

    assert fingerprint("a", "b", "c") == fingerprint("c", "a", "b")
    assert len({fingerprint("a", "b"), fingerprint("a", "c"), fingerprint("a"), fingerprint("a", "b", "c")}) == 4
    assert fingerprint("a", "b", "c") == fingerprint("a") + fingerprint("b", "c")
