"""The key that a laptop makes for its exports."""

import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from vending_platform import environment
from vending_platform.anonymising import key_of_exports
from vending_platform.environment import Environment


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    for name in [name for name in os.environ if name.startswith("VENDING_")]:
        monkeypatch.delenv(name)
    loaded = environment.load()
    return replace(loaded, places=replace(loaded.places, work=str(tmp_path / "work")))


def pseudonym(laptop: Environment) -> str:
    return key_of_exports(laptop).of("S0001")


def test_it_stays_the_same_and_only_its_owner_reads_it(laptop: Environment) -> None:
    first = pseudonym(laptop)
    assert pseudonym(laptop) == first
    (kept,) = Path(laptop.places.work).iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_all_who_make_it_at_once_have_the_same(laptop: Environment) -> None:
    with get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(pseudonym, [laptop] * 8, chunksize=1))) == 1
