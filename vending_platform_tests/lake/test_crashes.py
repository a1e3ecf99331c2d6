"""A process may be killed anywhere: a table is then as before or as after, and the same again brings it to its end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vending_platform.catalog import LakeLayout
from vending_platform.lake import Lake
from vending_platform.lake.changes import append, merge, replace
from vending_platform.lake.history import history
from vending_platform.lake.maintenance import compact, expire, remove_orphans
from vending_platform.lake.tables import ensure_table
from vending_platform_tests.lake.crashing import change_together, change_until
from vending_platform_tests.lake.lakes import STOCK, contents, local_lake, rows, stock_table

Row = tuple[Any, ...]
WITH_PRICE = pa.schema([("id", pa.int64()), ("name", pa.string()), ("units", pa.int64()), ("price", pa.int64())])


def merge_some(lake: Lake) -> None:
    merge(lake, STOCK, rows((2, "changed", 0), (9, "new", 1)), gone=rows((3, None, None)))


def evolve_and_merge(lake: Lake) -> None:
    ensure_table(lake, STOCK, WITH_PRICE, LakeLayout(key=("id",)))
    merge(lake, STOCK, pa.table([[1], ["tea"], [2**40], [150]], schema=WITH_PRICE))


def maintain_all(lake: Lake) -> None:
    compact(lake, STOCK)
    expire(lake, STOCK, datetime.now(UTC))
    remove_orphans(lake, STOCK, datetime.now(UTC))


def prepared(folder: Path) -> Lake:
    lake = local_lake(folder)
    stock_table(lake)
    for number in range(1, 5):
        append(lake, STOCK, rows((number, f"n{number}", number)))
    return lake


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.proof)])
@pytest.mark.parametrize("change", [merge_some, evolve_and_merge, maintain_all])
def test_killed_at_every_boundary_it_is_as_before_or_as_after(
    tmp_path: Path, change: Callable[[Lake], None], stride: int
) -> None:
    undisturbed = prepared(tmp_path / "undisturbed")
    before = contents(undisturbed)
    change(undisturbed)
    after = contents(undisturbed)
    kills = 0
    for kill_at in range(0, 200, stride):
        lake = prepared(tmp_path / str(kill_at))
        if not change_until(tmp_path / str(kill_at), change, kill_at):
            break
        kills += 1
        assert _widened(contents(lake), after) in (_widened(before, after), after)
        change(lake)
        assert contents(lake) == after
    assert 10 // stride < kills < 200 // stride


def _widened(found: list[Row], like: list[Row]) -> list[Row]:
    """With empty values for columns that were added since."""
    return [row + (None,) * (len(like[0]) - len(row)) for row in found]


def _merge_own(writer: int, lake: Lake) -> None:
    for number in range(3):
        merge(lake, STOCK, rows((0, f"by {writer}", number), (100 * writer + number, "own", number)))


def test_writers_at_the_same_time_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    stock_table(local_lake(tmp_path))
    change_together(tmp_path, [partial(_merge_own, writer) for writer in (1, 2, 3)])
    lake = local_lake(tmp_path)
    assert [row[0] for row in contents(lake)] == [0, *(100 * writer + n for writer in (1, 2, 3) for n in range(3))]
    assert len(history(lake, STOCK)) == 9


@dataclass
class Witness:
    """What every snapshot held when it was written."""

    folder: Path
    dice: random.Random
    rows: dict[int, Row] = field(default_factory=dict)
    snapshots: dict[int, list[Row]] = field(default_factory=dict)

    def step(self) -> None:
        lake = local_lake(self.folder)
        change, after = self.dice.choice(
            [self._append, self._merge, self._merge, self._merge, self._replace, self._maintain]
        )()
        if self.dice.random() < 0.5:
            change_until(self.folder, change, self.dice.randrange(14))
        else:
            change(lake)
        now = contents(lake)
        assert now in (sorted(self.rows.values()), sorted(after.values()))
        self.rows = {row[0]: row for row in now}
        if (kept := history(lake, STOCK)) and (current := kept[0].state.snapshot_id) is not None:
            self.snapshots.setdefault(current, now)

    def check(self) -> int:
        """Every snapshot that is kept reads as it was written. How many there are."""
        lake = local_lake(self.folder)
        kept = [entry.state.snapshot_id for entry in history(lake, STOCK)]
        known = [snapshot for snapshot in kept if snapshot in self.snapshots]
        for snapshot in known:
            assert contents(lake, as_of=snapshot) == self.snapshots[snapshot]
        return len(known)

    def _append(self) -> tuple[Callable[[Lake], object], dict[int, Row]]:
        start = max(self.rows, default=0) + 1
        new = [(start + number, "appended", self.dice.randrange(100)) for number in range(self.dice.randrange(1, 5))]
        return partial(_append_these, new), self.rows | {row[0]: row for row in new}

    def _merge(self) -> tuple[Callable[[Lake], object], dict[int, Row]]:
        ids = self.dice.sample(range(40), self.dice.randrange(1, 8))
        new = [(number, "merged", self.dice.randrange(100)) for number in ids[::2]]
        return partial(_merge_these, new, ids[1::2]), {
            number: row for number, row in self.rows.items() if number not in ids
        } | {row[0]: row for row in new}

    def _replace(self) -> tuple[Callable[[Lake], object], dict[int, Row]]:
        new = [(number, "replaced", number) for number in self.dice.sample(range(40), 10)]
        return partial(_replace_by, new), {row[0]: row for row in new}

    def _maintain(self) -> tuple[Callable[[Lake], object], dict[int, Row]]:
        return partial(_maintain_as, self.dice.random() < 0.3), self.rows


def _append_these(new: list[Row], lake: Lake) -> None:
    append(lake, STOCK, rows(*new))


def _merge_these(new: list[Row], gone: list[int], lake: Lake) -> None:
    merge(lake, STOCK, rows(*new), gone=rows(*((number, None, None) for number in gone)))


def _replace_by(new: list[Row], lake: Lake) -> None:
    replace(lake, STOCK, rows(*new))


def _maintain_as(is_expiring: bool, lake: Lake) -> None:
    compact(lake, STOCK)
    if is_expiring:
        expire(lake, STOCK, datetime.now(UTC))
    remove_orphans(lake, STOCK, datetime.now(UTC))


@pytest.mark.parametrize("steps", [10, pytest.param(1000, marks=pytest.mark.proof)])
def test_every_kept_snapshot_reads_as_it_was_written(tmp_path: Path, steps: int) -> None:
    stock_table(local_lake(tmp_path), partitioning=["truncate(id, 10)"])
    witness = Witness(tmp_path, random.Random(20))
    for number in range(steps):
        witness.step()
        if number % 50 == 49:
            witness.check()
    assert witness.check() > 0
