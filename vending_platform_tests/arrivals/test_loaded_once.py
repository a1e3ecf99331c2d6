"""Both ways to notice files, down to the rows of a real warehouse: whatever happens on the way, each is there once."""

import json
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from vending_platform.arrivals import RequestedRun
from vending_platform.catalog import Catalog
from vending_platform.ingestion import Selection
from vending_platform_tests.arrivals.simulated_queue import Killed, SimulatedQueue, event
from vending_platform_tests.arrivals.test_polling import Listing
from vending_platform_tests.ingestion.raw_folder import RawFolder, machines_file, sales_file

FILES = {
    **{f"sales/sales_VM{m:03d}_202403{d:02d}.csv": sales_file(f"VM{m:03d}", f"2024-03-{d:02d}", m + d)
       for m in (1, 2) for d in (1, 2, 5)},
    "master-data/vending_machines.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", "")),
    "sales/sales_VM003_20240302.csv": sales_file("VM003", "2024-03-02", 3)[:-9],
    "notes.txt": b"nobody declared me",
}  # fmt: skip
CORRECTIONS = {
    "sales/sales_VM001_20240301.csv": sales_file("VM001", "2024-03-01", 9),
    "sales/sales_VM003_20240302.csv": sales_file("VM003", "2024-03-02", 3),
}


def current(raw_folder: RawFolder) -> dict[str, object]:
    files = raw_folder.rows("select path, sha256, state, reason from raw._files where state <> 'superseded'")
    rows = raw_folder.rows("select * from raw.sales")
    return {
        "files": sorted(map(str, files)),
        "sales": sorted(map(str, rows)),
        "undeclared": raw_folder.rows("select path from raw._undeclared"),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> dict[str, object]:
    """The plain way: everything at once."""
    raw_folder = RawFolder(tmp_path_factory.mktemp("plain"), catalog)
    raw_folder.sources.mkdir()
    raw_folder.deliver(FILES | CORRECTIONS)
    raw_folder.ingest()
    return current(raw_folder)


@pytest.mark.parametrize(("way", "seed"), [("queue", 1), ("queue", 2), ("listing", 1)])
def test_after_one_sweep_everything_is_loaded_exactly_once(
    way: str,
    seed: int,
    tmp_path: Path,
    catalog: Catalog,
    expected: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tenth of the notifications is lost, a tenth comes twice, all come in any order; looks are killed anywhere, and
    of the runs some fail before they load and some after."""
    monkeypatch.setattr("vending_platform.storage.local.PAGE", 3)
    chance = random.Random(seed)
    raw_folder = RawFolder(tmp_path, catalog)
    raw_folder.sources.mkdir()
    small_platform = _house(way, raw_folder)
    waiting = [*FILES.items(), *CORRECTIONS.items()]
    lost: set[str] = set()
    told: list[str] = []
    for number in range(25):
        for path, content in waiting[:2]:
            raw_folder.deliver({path: content})
            os.utime(raw_folder.sources / path, (small_platform.now.timestamp(), small_platform.now.timestamp()))
            if chance.random() < 0.1:
                lost.add(path)
            else:
                told += [event(path, number)] * chance.choice([1] * 9 + [2])
        waiting = waiting[2:]
        chance.shuffle(told)
        if way == "queue":
            small_platform.tell(*(told.pop() for _ in range(chance.randint(0, len(told)))))
        with suppress(Killed):
            small_platform.look(chance.choice([-1, -1, 0, 1, 2, 3, 4, 5, 6]))
        if chance.random() < 0.3:
            small_platform.end_runs(fails=lambda run: _fails(small_platform, run, chance))
        small_platform.wait(seconds=chance.choice([30, 60, 300]))
    if way == "queue":
        small_platform.tell(*told)
        small_platform.settle()
        loaded = {
            row["path"] for row in raw_folder.rows("select path from raw._files union select path from raw._undeclared")
        }
        assert lost, "this seed tries nothing"
        assert loaded >= FILES.keys() - lost
    else:
        for _ in range(12):  # more than two rounds
            small_platform.wait(minutes=20)
            small_platform.look()
            small_platform.end_runs()
        assert current(raw_folder) == expected
    raw_folder.ingest()
    assert current(raw_folder) == expected
    assert raw_folder.ingest().loaded == []


def _house(way: str, raw_folder: RawFolder) -> SimulatedQueue:
    def load(paths: frozenset[str]) -> None:
        raw_folder.ingest(Selection(paths=paths))

    place = raw_folder.context.storage.work
    return (
        Listing(raw_folder.catalog, load, place=place, raw_folder=raw_folder)
        if way == "listing"
        else SimulatedQueue(raw_folder.catalog, load, place=place)
    )


def _fails(small_platform: SimulatedQueue, run: RequestedRun, chance: random.Random) -> bool:
    """A fifth of the runs fails; half of those when everything is loaded already."""
    if chance.random() >= 0.2:
        return False
    if chance.random() < 0.5:
        files = small_platform.lists.read(run.listed)
        assert files is not None
        small_platform.load(files.paths)
    return True


def test_the_events_in_these_tests_are_what_a_store_sends() -> None:
    (record,) = json.loads(event("a b.csv"))["Records"]
    assert record["s3"]["object"]["key"] == "raw-data%2Fa+b.csv"
