"""Whatever is lost, told twice, told late or interrupted: everything is loaded, once, and no message goes too early."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.arrivals import PollCrashPoint
from vending_platform.catalog import Catalog
from vending_platform_tests.arrivals.simulated_queue import Killed, Recording, SimulatedQueue, event
from vending_platform_tests.arrivals.sqs import DEAD_LETTERS, MemorySqs
from vending_platform_tests.properties import examples
from vending_platform_tests.storage.memory import MemoryPlace

DAY, NEXT_DAY, OTHER_DAY = "20240305", "20240306", "20240309"
PATHS = [
    *(f"sales/sales_VM{machine:03d}_{day}.csv" for machine in (1, 2) for day in (DAY, NEXT_DAY, OTHER_DAY)),
    "master-data/vending_machines.csv",
    "notes.txt",
]


@dataclass
class Bucket:
    """What lies in the store, and what runs have made of it: a stand-in for ledger and tables."""

    there: dict[str, int] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    told: set[tuple[str, int]] = field(default_factory=set)

    def load(self, paths: frozenset[str]) -> None:
        self.loaded |= {path: self.there[path] for path in paths}

    def sweep(self) -> None:
        """The daily run without a list."""
        self.loaded |= self.there


def simulated_queue(catalog: Catalog) -> tuple[SimulatedQueue, Bucket]:
    bucket = Bucket()
    return SimulatedQueue(catalog, bucket.load), bucket


@given(data=st.data())
@examples(60)
def test_what_was_told_is_loaded_and_the_sweep_loads_the_rest(data: st.DataObject, catalog: Catalog) -> None:
    """Of the notifications a tenth is lost, a tenth comes twice, all come in any order; looks are killed anywhere, runs
    fail, files are written again at any time."""
    small_platform, bucket = simulated_queue(catalog)
    chance = data.draw(st.randoms(use_true_random=False))
    late: list[str] = []
    for number in range(data.draw(st.integers(1, 25), label="moments")):
        for path in data.draw(st.lists(st.sampled_from(PATHS), max_size=4), label="written"):
            bucket.there[path] = number
            if chance.random() < 0.9:
                bucket.told.add((path, number))
                late += [event(path, number)] * (2 if chance.random() < 0.1 else 1)
        chance.shuffle(late)
        for _ in range(chance.randint(0, len(late))):
            small_platform.tell(late.pop())
        with suppress(Killed):
            small_platform.look(data.draw(st.sampled_from([-1, -1, 0, 1, 2, 3, 4, 6, 9]), label="kill at"))
        if chance.random() < 0.5:
            small_platform.end_runs(fails=lambda run: chance.random() < 0.3)
        small_platform.wait(seconds=chance.choice([1, 30, 90, 300, 1000]))
    small_platform.tell(*late)
    small_platform.settle()
    assert {path for path, writing in bucket.there.items() if (path, writing) in bucket.told} <= {
        path for path, writing in bucket.there.items() if bucket.loaded.get(path) == writing
    }
    assert small_platform.sqs.waiting(DEAD_LETTERS) == []
    assert len({run.run_key for run in small_platform.runs}) == len(small_platform.runs)
    bucket.sweep()
    assert bucket.loaded == bucket.there


POISON = '{"Records": "?"}'


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_kill_at_any_boundary_is_fixed_by_the_next_look(catalog: Catalog, first: int) -> None:
    """`first` is the look that is killed: the one that requests, and those that find its runs on record."""
    kill_at, boundaries, came_that_far = 0, set(), True
    while came_that_far:
        small_platform, bucket = simulated_queue(catalog)
        bucket.there = dict.fromkeys(PATHS, 1)
        small_platform.tell(*map(event, PATHS), event(PATHS[0]), POISON)
        for look in range(first):
            small_platform.wait(minutes=20)
            small_platform.look()
            small_platform.end_runs(fails=lambda _, look=look: look == 0)  # type: ignore[misc]
        small_platform.wait(minutes=20)
        try:
            small_platform.look(kill_at)
        except Killed:
            boundaries.add(small_platform.passed[-1])
        else:
            came_that_far = False
        small_platform.settle()
        assert bucket.loaded == bucket.there, f"killed at boundary {kill_at}"
        assert {message.body for message in small_platform.sqs.waiting(DEAD_LETTERS)} == {POISON}
        kill_at += 1
    expected = {
        0: {*PollCrashPoint, *Recording},  # the poison goes at once
        1: {PollCrashPoint.RECEIVED, PollCrashPoint.DELETED, *Recording},  # what failed is requested again
        2: {PollCrashPoint.RECEIVED, Recording.EVALUATED},
    }
    assert boundaries == expected[first]


def test_between_two_boundaries_lies_one_effect_at_most(catalog: Catalog) -> None:
    """A step that has a lasting effect and no boundary of its own would never be killed there: it fails here."""
    small_platform, bucket = simulated_queue(catalog)
    bucket.there = dict.fromkeys(PATHS, 1)
    trace: list[str] = []
    small_platform.on_boundary = trace.append
    small_platform.tell(*map(event, PATHS), POISON, POISON)
    with ExitStack() as stack:
        for owner, method in ((MemorySqs, "send_message"), (MemorySqs, "delete_message_batch"), (MemoryPlace, "write")):
            stack.enter_context(_recording(trace, owner, method))
        for _ in range(3):
            small_platform.wait(minutes=20)
            small_platform.look()
            small_platform.end_runs(fails=lambda run: run.run_key.endswith(" 1"))
    assert set(trace) == {"effect", *PollCrashPoint, *Recording}
    for before, after in pairwise(trace):
        assert not before == after == "effect"


def _recording(trace: list[str], owner: type, method: str) -> AbstractContextManager[object]:
    original: Callable[..., object] = getattr(owner, method)

    def recorded(*args: object, **named: object) -> object:
        trace.append("effect")
        return original(*args, **named)

    return patch.object(owner, method, recorded)
