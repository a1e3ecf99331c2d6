"""What `raw` holds depends on the content of the files alone: not on order, batches, repeats, crashes or company."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from vending_platform.catalog import Catalog
from vending_platform.ingestion import CrashPoint, Watcher, noted_days
from vending_platform.storage import LocalPlace
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform.warehouse.duckdb.connection import Connection
from vending_platform_tests.ingestion.crashing import ingest_together, ingest_until
from vending_platform_tests.ingestion.raw_folder import RawFolder, machines_file, sales, sales_file, sales_row
from vending_platform_tests.properties import examples

FIRST: dict[str, bytes] = {
    "vending_machines.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-03-02", "")),
    "product_categories.csv": 'category_id,category_name,parent_id\n1,㈱茶,\n2,"水, 炭酸",1\n'.encode("cp932"),
    "sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01", 7),
    "sales_VM001_20240302.csv": sales(sales_row(1, day="2024-03-02"), sales_row(2, day="2024-03-02", quantity="1e3")),
    "sales_VM002_20240302.csv": sales_file("VM002", "2024-03-02", 4)[:-9],
    "sales_VM003_20240303.csv": sales(end="\r\n"),
    "sales/sales_VM002_20240303.csv": sales_file("VM001", "2024-03-03", 3),
    "notes.txt": b"nobody declared me",
}
CORRECTIONS: dict[str, bytes] = {
    "vending_machines.csv": machines_file(("VM001", "2024-01-01", "2024-03-01"), ("VM002", "2024-03-02", "")),
    "sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01", 6),
    "sales_VM001_20240302.csv": sales(sales_row(1, day="2024-03-02"), sales_row(2, day="2024-03-02", quantity="3")),
    "sales_VM002_20240302.csv": sales_file("VM002", "2024-03-02", 4),
    "sales_VM003_20240303.csv": b"",
}


def everything(raw_folder: RawFolder) -> Mapping[str, object]:
    kept = {sha256: len(content) for sha256, content in raw_folder.kept().items()}
    noted = noted_days(row["found"] for row in raw_folder.rows("select found from raw._unrecorded"))
    return {
        **raw_folder.raw(),
        "to be recorded": noted,
        "undeclared": raw_folder.rows("select path, reason from raw._undeclared order by 1"),
        "kept": kept,
    }


@contextmanager
def fresh_raw_folder(catalog: Catalog) -> Iterator[RawFolder]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sources").mkdir()
        yield RawFolder(Path(folder), catalog)


@pytest.fixture(scope="module")
def expected(catalog: Catalog) -> Mapping[str, object]:
    """The plain way: everything at once, then every correction at once."""
    with fresh_raw_folder(catalog) as raw_folder:
        raw_folder.deliver(FIRST)
        raw_folder.ingest()
        raw_folder.deliver(CORRECTIONS)
        raw_folder.ingest()
        return everything(raw_folder)


@given(data=st.data())
@examples(12)
def test_order_batches_repeats_and_crashes_do_not_matter(
    data: st.DataObject, catalog: Catalog, expected: Mapping[str, object]
) -> None:
    """Each file comes in its first version, maybe again, then corrected, maybe again; files in any order, in batches
    of any size; each batch is loaded by a process that may be killed anywhere, and then once more."""
    versions = {name: [content] for name, content in FIRST.items()}
    for name, content in CORRECTIONS.items():
        versions[name].append(content)
    waiting = {name: [c for c in cs for _ in range(data.draw(st.integers(1, 2)))] for name, cs in versions.items()}
    with fresh_raw_folder(catalog) as raw_folder:
        while waiting:
            names = data.draw(
                st.lists(st.sampled_from(sorted(waiting)), min_size=min(3, len(waiting)), unique=True), label="batch"
            )
            raw_folder.deliver({name: waiting[name].pop(0) for name in names})
            waiting = {name: contents for name, contents in waiting.items() if contents}
            kill_at = data.draw(st.integers(0, 24), label="kill at")
            note(f"killed: {ingest_until(raw_folder.folder, catalog, kill_at)}")
            raw_folder.ingest()
        assert everything(raw_folder) == expected


def test_a_kill_at_any_boundary_is_fixed_by_the_next_run(catalog: Catalog, expected: Mapping[str, object]) -> None:
    kill_at, came_that_far = 0, True
    while came_that_far:
        with fresh_raw_folder(catalog) as raw_folder:
            raw_folder.deliver(FIRST)
            raw_folder.ingest()
            raw_folder.deliver(CORRECTIONS)
            came_that_far = ingest_until(raw_folder.folder, catalog, kill_at)
            raw_folder.ingest()
            assert everything(raw_folder) == expected, f"killed at boundary {kill_at}"
            assert not list((raw_folder.folder / "scratch").glob("*"))
        kill_at += 1
    assert kill_at > 12


def test_two_loads_started_together_end_as_one_would(raw_folder: RawFolder, expected: Mapping[str, object]) -> None:
    raw_folder.deliver(FIRST)
    ingest_together(raw_folder.folder, raw_folder.catalog, times=2)
    raw_folder.deliver(CORRECTIONS)
    ingest_together(raw_folder.folder, raw_folder.catalog, times=3)
    assert everything(raw_folder) == expected


def test_every_boundary_is_passed_and_between_two_lies_one_effect_at_most(raw_folder: RawFolder) -> None:
    """A step that has a lasting effect and no boundary of its own would never be killed there: it fails here."""
    trace: list[str] = []

    def recording(owner: type, method: str) -> AbstractContextManager[object]:
        original = getattr(owner, method)

        def recorded(*args: object, **named: object) -> object:
            result = original(*args, **named)
            trace.append(f"effect: {method}")
            return result

        return patch.object(owner, method, recorded)

    watcher = Watcher(on_step=lambda step: trace.append(step))
    with (
        recording(LocalPlace, "write"),
        recording(LocalPlace, "delete"),
        recording(Path, "unlink"),
        recording(DuckDBWarehouse, "announce_change"),
        recording(DuckDBWarehouse, "publish_status"),
        recording(Connection, "_commit"),
    ):
        raw_folder.deliver(FIRST)
        (raw_folder.folder / "scratch").mkdir()
        (raw_folder.folder / "scratch" / "left-behind.spooled").write_bytes(b"by a crash")
        (raw_folder.folder / "work" / "quarantine" / "ab").mkdir(parents=True)
        (raw_folder.folder / "work" / "quarantine" / "ab" / "orphan").write_bytes(b"of a crash")
        raw_folder.ingest(watcher=watcher)
        raw_folder.deliver(CORRECTIONS)
        os.remove(raw_folder.sources / "sales_VM001_20240301.csv")  # Path.unlink is being recorded
        raw_folder.ingest(watcher=watcher)
        raw_folder.ingest(watcher=watcher, withdraw=True)
    assert {entry for entry in trace if not entry.startswith("effect")} == {step.value for step in CrashPoint}
    for before, after in pairwise(trace):
        assert not (before.startswith("effect") and after.startswith("effect")), (
            f"{before} and {after} have no boundary"
        )
    assert sum(entry == "effect: _commit" for entry in trace) > 4
