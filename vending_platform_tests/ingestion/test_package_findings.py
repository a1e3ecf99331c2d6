"""What people learn of packages that are not loaded: in the status, by a check of the folder, and from the sensors."""

import json
from datetime import timedelta

import pytest

from vending_platform.arrivals.debounce import LONGEST_WAIT, gather
from vending_platform.arrivals.s3_events import ArrivedFile
from vending_platform.errors import PlatformError
from vending_platform.ingestion import (
    check_package,
    overdue,
    pending,
    refused,
    status_of,
    titled,
    unseen,
)
from vending_platform_tests.ingestion.packages import (
    CATALOG,
    ONE,
    TWO,
    files_of,
    folder,
    manifest_of,
    name,
    package,
    rows,
)
from vending_platform_tests.ingestion.raw_folder import NOW, RawFolder
from vending_platform_tests.ingestion.test_packages import shops

__all__ = ["shops"]


def findings(raw_folder: RawFolder) -> list[dict[str, str | int | None]]:
    with raw_folder.context.warehouse.reading() as reader:
        return status_of(reader, CATALOG).packages


def test_what_waits_is_overdue_after_the_time_of_its_contract(shops: RawFolder) -> None:
    shops.deliver(files_of(ONE) | package(TWO, shop="south"))
    shops.ingest()
    (found,) = findings(shops)
    assert titled(found) == "monthly of shop north for 2024-01"
    assert list(overdue([found], NOW + timedelta(hours=12))) == []
    assert list(overdue([found], NOW + timedelta(hours=12, seconds=1))) == [found]
    assert not list(refused([found]))


def test_the_time_runs_from_the_first_file_until_all_are_there(shops: RawFolder) -> None:
    whole = package(ONE)
    shops.deliver({path: whole[path] for path in list(whole)[:1]})
    shops.ingest()
    first = findings(shops)[0]["due_at"]
    shops.deliver({path: whole[path] for path in list(whole)[1:2]})
    shops.ingest()
    assert findings(shops)[0]["due_at"] == first
    shops.deliver(whole)
    shops.ingest()
    assert findings(shops) == []


def test_a_refused_package_needs_a_person(shops: RawFolder) -> None:
    shops.deliver(package(ONE, sender="west"))
    shops.ingest()
    (found,) = findings(shops)
    assert list(refused([found])) == [found]
    with shops.context.warehouse.reading() as reader:
        assert status_of(reader, CATALOG).needs_a_person


def test_a_folder_is_checked_as_it_would_be_loaded(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    fine = check_package(CATALOG, shops.sources / folder())
    assert fine.is_fine
    assert {name: checked.accepted for name, checked in fine.files.items()} == {name("B"): 2, name("L"): 3}
    manifest = manifest_of(ONE)
    manifest["files"][0]["size"] = 1
    manifest["files"][1]["rows"] = 9
    shops.deliver({f"{folder()}/manifest.json": json.dumps(manifest).encode(), f"{folder()}/x.txt": b""})
    shops.remove(f"{folder()}/x.txt")
    assert [str(fault) for fault in check_package(CATALOG, shops.sources / folder()).faults] == [
        f"{name('B')}: it has {len(ONE['B'])} bytes, and the manifest lists 1",
        f"{name('L')}: it has 3 rows, and the manifest lists 9",
    ]
    shops.deliver(package({"B": rows("x"), "L": rows(1)}))
    (fault,) = check_package(CATALOG, shops.sources / folder()).faults
    assert "1 of 1 rows were rejected" in str(fault)
    shops.remove(f"{folder()}/manifest.json")
    assert [str(one) for one in check_package(CATALOG, shops.sources / folder()).faults] == [
        "manifest.json: it has not come"
    ]
    with pytest.raises(PlatformError, match="is not the folder of a package"):
        check_package(CATALOG, shops.sources)


def test_what_was_judged_as_it_is_starts_no_run(shops: RawFolder) -> None:
    """Also where it was refused, or waits: a run would find the same again."""
    shops.deliver(package(ONE, sender="west") | package(ONE, shop="south"))
    shops.deliver(files_of(ONE, month="2024-02"))
    assert pending(shops.context).files.keys() == {"bills", "lines"}
    listed = sorted(shops.context.storage.raw.files())
    assert {file.path for file in unseen(shops.context, listed, NOW)} == {file.path for file in listed}
    shops.ingest()
    assert pending(shops.context).files == {}
    assert unseen(shops.context, listed, NOW) == []
    shops.deliver(package(TWO, 2, shop="south"))
    listed = sorted(shops.context.storage.raw.files())
    changed = {path for path in (file.path for file in unseen(shops.context, listed, NOW)) if "south" in path}
    assert f"{folder('south')}/manifest.json" in changed
    assert list(pending(shops.context).files["bills"]) == [NOW.date().replace(month=1, day=1)]


def test_a_manifest_that_arrives_asks_for_a_run_of_its_month() -> None:
    notice = ArrivedFile(f"{folder()}/manifest.json", "e", "1", 10, NOW)
    (gathered,), waiting = gather(CATALOG, [notice], [], NOW + 2 * LONGEST_WAIT)
    assert gathered.notices == (notice,)
    assert waiting == []
