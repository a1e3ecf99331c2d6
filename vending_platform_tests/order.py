"""The order in which tests run, and by how many workers: the slowest modules first, so that no worker ends long after
the others, and one worker more than there are cores, because a third of the time a test waits for what it has started.

`durations.json` has the seconds of each module, as `--record-durations` wrote them. With `--shuffle SEED` the order is
a random one, the same for the same seed, because no test may rest on another one.
"""

import json
import os
import random
from collections import defaultdict
from pathlib import Path

import pytest

DURATIONS = Path(__file__).with_name("durations.json")
_ROOT = DURATIONS.parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("order")
    group.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in the random order of this seed")
    group.addoption("--only-properties", action="store_true", help="run only what hypothesis tries on many examples")
    group.addoption("--record-durations", action="store_true", help=f"write how long modules took to {DURATIONS.name}")


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-durations") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(DurationRecorder())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-properties"):
        items[:] = [item for item in items if "hypothesis" in item.keywords]
    modules: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        modules[module_of(item.nodeid)].append(item)
    seed: int | None = config.getoption("--shuffle")
    names = sorted(modules) if seed is not None else slowest_first(modules, recorded_durations())
    if seed is not None:
        shuffler = random.Random(seed)
        shuffler.shuffle(names)
        for name in names:
            shuffler.shuffle(modules[name])
    items[:] = [item for name in names for item in modules[name]]


def module_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def recorded_durations() -> dict[str, float]:
    return dict(json.loads(DURATIONS.read_text())) if DURATIONS.exists() else {}


def slowest_first(modules: "dict[str, list[pytest.Item]]", seconds: dict[str, float]) -> list[str]:
    """A module that was never measured comes first: it may be slow."""
    return sorted(modules, key=lambda name: (-seconds.get(name, float("inf")), name))


class DurationRecorder:
    """Adds up what each module's tests and fixtures took; modules that did not run keep their last figure."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[module_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        seconds = {name: round(taken, 1) for name, taken in self._seconds.items()}
        known = {name: taken for name, taken in recorded_durations().items() if (_ROOT / name).exists()}
        DURATIONS.write_text(json.dumps(dict(sorted((known | seconds).items())), indent=1) + "\n")
