"""A package is loaded as its manifest lists it, whole or not at all; the newest revision that is right is in `raw`."""

import json
from pathlib import Path
from typing import Any

import pytest

from vending_platform.ingestion import Selection
from vending_platform_tests.ingestion.packages import (
    CATALOG,
    ONE,
    TWO,
    files_of,
    finding,
    folder,
    held,
    manifest_of,
    name,
    package,
    rows,
)
from vending_platform_tests.ingestion.raw_folder import RawFolder


@pytest.fixture
def shops(tmp_path: Path) -> RawFolder:
    found = RawFolder(tmp_path, CATALOG)
    found.sources.mkdir()
    return found


def test_a_package_is_loaded_whole_and_again_changes_nothing(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    summary = shops.ingest()
    assert [str(one) for one in summary.packages] == ["monthly of shop north for 2024-01, revision 1"]
    assert (summary.packages[0].files, summary.packages[0].rows) == (2, 5)
    assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}
    assert finding(shops) == ("loaded", 1, 1, None)
    again = shops.ingest()
    assert (again.packages, again.loaded, again.unchanged) == ([], [], 2)


def test_a_later_revision_replaces_all_of_it_and_an_earlier_one_nothing(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    shops.ingest()
    shops.deliver(package(TWO, 2))
    shops.ingest()
    assert held(shops) == {"bills": [1, 5], "lines": [10, 20, 30, 40]}
    shops.deliver(package(ONE))
    summary = shops.ingest()
    assert finding(shops)[:3] == ("outdated", 1, 2)
    assert summary.packages[0].reason == "manifest.json: its revision is 1, and revision 2 is loaded already"
    assert held(shops) == {"bills": [1, 5], "lines": [10, 20, 30, 40]}
    assert shops.ingest().packages == []


def test_what_is_not_complete_waits_and_is_loaded_when_the_rest_comes(shops: RawFolder) -> None:
    whole = package(ONE)
    manifest = whole.pop(f"{folder()}/manifest.json")
    shops.deliver(whole)
    shops.ingest()
    assert finding(shops) == ("waiting", None, None, "manifest.json: it has not come")
    (shops.sources / folder() / name("L")).unlink()
    shops.deliver({f"{folder()}/manifest.json": manifest})
    shops.ingest()
    assert finding(shops) == ("waiting", 1, None, f"{name('L')}: it has not come")
    assert held(shops) == {"bills": [], "lines": []}
    shops.deliver(whole)
    shops.ingest()
    assert finding(shops) == ("loaded", 1, 1, None)
    assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}


def test_the_upload_of_a_later_revision_leaves_the_one_before(shops: RawFolder) -> None:
    """File by file, the manifest last or first: what is loaded stays until all of the later one is there."""
    shops.deliver(package(ONE))
    shops.ingest()
    later = package(TWO, 2)
    manifest = {path: later.pop(path) for path in [f"{folder()}/manifest.json"]}
    for path, content in later.items():
        shops.deliver({path: content})
        shops.ingest()
        assert finding(shops)[0] == "waiting"
        assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}
    shops.deliver(package(ONE) | manifest)
    shops.ingest()
    assert finding(shops)[:3] == ("waiting", 2, 1)
    assert "it is still the one of the revision before" in str(finding(shops)[3])
    shops.deliver(later)
    shops.ingest()
    assert held(shops) == {"bills": [1, 5], "lines": [10, 20, 30, 40]}


def test_a_kind_that_a_later_revision_leaves_out_leaves_raw(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    shops.ingest()
    shops.remove(f"{folder()}/{name('L')}")
    shops.deliver(package({"B": rows(7)}, 2))
    shops.ingest()
    assert held(shops) == {"bills": [7], "lines": []}
    assert shops.rows("select count(*) as n from raw.lines") == [{"n": 0}]
    shops.deliver(package(TWO, 3))
    shops.ingest()
    assert held(shops) == {"bills": [1, 5], "lines": [10, 20, 30, 40]}


SHA = manifest_of(ONE)["files"][1]["sha256"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": 2}, "manifest.json: version is 2: input should be 1"),
        ({"sender": "west"}, "manifest.json: sender is 'west', and its path has 'north'"),
        ({"period": "2024-02"}, "manifest.json: period is '2024-02', and its path has '2024-01'"),
        ({"package": "weekly"}, "manifest.json: package is 'weekly', and the contracts call it 'monthly'"),
        ({"revision": 0}, "manifest.json: revision is 0: input should be greater than or equal to 1"),
        ({"revision": "1"}, 'manifest.json: revision is "1": input should be a valid integer'),
        ({"note": 1}, "manifest.json: note is not a key of a manifest"),
        ({"files": []}, "manifest.json: it lists no file of the kind 'B', and every package has one"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_the_value(
    shops: RawFolder, changes: dict[str, Any], why: str
) -> None:
    shops.deliver(package(ONE, **changes))
    summary = shops.ingest()
    assert summary.needs_a_person
    state, _, revision, reason = finding(shops)
    assert (state, revision) == ("refused", None)
    assert why in str(reason)
    assert held(shops) == {"bills": [], "lines": []}


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("size", 3, f"{name('L')}: it has 30 bytes, and the manifest lists 3"),
        ("sha256", "0" * 64, f"{name('L')}: its sha256 is {SHA}, and the manifest lists {'0' * 64}"),
        ("rows", 4, f"{name('L')}: it has 3 rows, and the manifest lists 4"),
        ("kind", "X", f"manifest.json: {name('L')} is of the kind 'X', which is none of: B, L"),
        ("kind", "B", f"{name('L')}: the manifest lists it as 'B', and its name is of 'L'"),
        ("name", "../L.txt", 'manifest.json: files[1].name is "../L.txt"'),
    ],
)
def test_a_file_that_is_not_as_listed_is_named_with_the_value(
    shops: RawFolder, key: str, value: object, why: str
) -> None:
    manifest = manifest_of(ONE)
    manifest["files"][1][key] = value
    shops.deliver(files_of(ONE) | {f"{folder()}/manifest.json": json.dumps(manifest).encode()})
    shops.ingest()
    assert finding(shops)[0] == "refused"
    assert why in str(finding(shops)[3])
    assert held(shops) == {"bills": [], "lines": []}


def test_what_is_no_manifest_and_what_nobody_lists_is_refused(shops: RawFolder) -> None:
    shops.deliver(files_of(ONE) | {f"{folder()}/manifest.json": b"{"})
    shops.ingest()
    assert "manifest.json: it is not JSON" in str(finding(shops)[3])
    shops.deliver(package({"B": ONE["B"]}) | {f"{folder()}/notes.txt": b"x"})
    shops.ingest()
    assert finding(shops)[3] == (
        f"{name('L')}: the manifest does not list it; notes.txt: the manifest does not list it"
    )
    shops.remove(f"{folder()}/{name('L')}", f"{folder()}/notes.txt")
    shops.ingest()
    assert held(shops) == {"bills": [1, 2], "lines": []}


def test_a_bad_file_refuses_the_whole_package_and_its_bytes_stay_until_it_is_right(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    shops.deliver(package(ONE, shop="south"))
    shops.ingest()
    bad = {"B": rows(1), "L": rows("x", "y")}
    shops.deliver(package(bad, 2))
    shops.deliver(package(TWO, 2, shop="south"))
    shops.ingest()
    assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}
    assert held(shops, "south") == {"bills": [1, 5], "lines": [10, 20, 30, 40]}
    ((state, reason),) = [
        tuple(row.values()) for row in shops.rows("select state, reason from raw._packages where sender = 'north'")
    ]
    assert state == "refused"
    assert f"{name('L')}: 2 of 2 rows were rejected" in reason
    assert {bad["B"], bad["L"]} <= set(shops.kept().values())
    shops.deliver(package(TWO, 3))
    shops.ingest()
    assert held(shops) == {"bills": [1, 5], "lines": [10, 20, 30, 40]}
    assert shops.kept() == {}


def test_the_same_revision_with_other_files_is_refused(shops: RawFolder) -> None:
    shops.deliver(package(ONE))
    shops.ingest()
    shops.deliver(package(TWO))
    shops.ingest()
    assert finding(shops)[0] == "refused"
    assert "its revision 1 is loaded with other files; a correction has a higher revision than 1" in str(
        finding(shops)[3]
    )
    assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}


def test_one_file_of_a_package_is_enough_to_name_it(shops: RawFolder) -> None:
    """A notice names the files that came; the others of the package are looked for, and no other package is."""
    shops.deliver(package(ONE) | package(ONE, shop="south"))
    shops.ingest(Selection(paths=frozenset({f"{folder()}/{name('L')}"})))
    assert held(shops) == {"bills": [1, 2], "lines": [10, 20, 30]}
    assert held(shops, "south") == {"bills": [], "lines": []}
    shops.ingest(Selection(paths=frozenset({f"{folder('south')}/manifest.json"})))
    assert held(shops, "south") == {"bills": [1, 2], "lines": [10, 20, 30]}


def test_rejected_rows_within_bounds_are_loaded_and_replayed(shops: RawFolder) -> None:
    shops.deliver(package({"B": rows(1, 2, "x"), "L": rows(1)}))
    shops.ingest()
    assert held(shops) == {"bills": [1, 2], "lines": [1]}
    assert [row["reason"] for row in shops.rows("select reason from raw._rejected_rows")] == [
        "amount 'x' is not a whole number"
    ]
    summary = shops.replay()
    assert [str(one) for one in summary.packages] == ["monthly of shop north for 2024-01, revision 1"]
    assert held(shops) == {"bills": [1, 2], "lines": [1]}


def test_what_was_refused_is_judged_again_by_a_replay_also_from_its_kept_bytes(shops: RawFolder) -> None:
    bad = {"B": rows("x"), "L": rows(1)}
    shops.deliver(package(bad))
    shops.ingest()
    assert finding(shops)[0] == "refused"
    relaxed = CATALOG.source("bills").model_copy(
        update={"files": CATALOG.source("bills").files.model_copy(update={"refuse_above": 1.0})}
    )
    shops.remove(f"{folder()}/{name('B')}", f"{folder()}/{name('L')}", f"{folder()}/manifest.json")
    fixed = RawFolder(shops.folder, type(CATALOG)((relaxed, CATALOG.source("lines"))))
    fixed.replay()
    assert held(shops) == {"bills": [], "lines": [1]}
    assert finding(shops)[:3] == ("loaded", 1, 1)
