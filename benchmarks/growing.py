"""What history costs: nearly three years of 200 machines in one go, and a day more of it against a day more of a month.

The contracts' first day is 2024-01-01, and no day may lie in the future, so "three years" are 1,049 days of 43 sales a
machine: as many sales (9 million) as three years of 41.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from benchmarks.measuring import PAIRS, memory_of, ratio, timed
from benchmarks.table import Row
from fleet_simulator import generate
from vending_platform.orchestration.history import open_history
from vending_platform.orchestration.steps import BUILD

_FIRST_DAY, _LAST_DAY = date(2024, 1, 1), date(2026, 11, 20)
_MACHINES, _ROWS_PER_FILE = 200, 43
_SHORT, _LONG = 30, (_LAST_DAY - _FIRST_DAY).days - PAIRS
_NEEDS_A_PERSON = 3


@dataclass(frozen=True)
class _House:
    """A fleet whose last days have not been delivered yet."""

    folder: Path
    days: int

    @property
    def _waiting(self) -> Path:
        return self.folder / "waiting"

    def furnish(self) -> None:
        """Every platform has the same last days, and the same deliveries on them."""
        generate(
            self.folder,
            machines=_MACHINES,
            days=self.days + PAIRS + 1,
            seed=1,
            first_day=_LAST_DAY - timedelta(days=self.days + PAIRS),
            rows_per_file=_ROWS_PER_FILE,
        )
        self._waiting.mkdir()
        for number in range(PAIRS + 1):
            day = _LAST_DAY - timedelta(days=number)
            for file in (self.folder / "sources").glob(f"*_{day:%Y%m%d}.csv"):
                file.rename(self._waiting / file.name)

    def deliver(self, day: date) -> None:
        for file in self._waiting.glob(f"*_{day:%Y%m%d}.csv"):
            shutil.move(file, self.folder / "sources")

    def seconds_of_building(self) -> float:
        """How long the last run took for the marts: to find out what is stale, to build, to check and to note it."""
        with open_history(self.folder / "dagster") as history:
            (run,) = history.get_runs(limit=1)
            (step,) = history.get_run_step_stats(run.run_id, [BUILD])
        assert step.start_time is not None
        assert step.end_time is not None
        return step.end_time - step.start_time

    def run(self) -> int:
        """`vending run`; gives the greatest memory it had, in KiB."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(("VENDING_", "DBT_"))}
        command = Path(sys.executable).parent / "vending"
        process = subprocess.Popen(
            [command, "run"], env=own | {"VENDING_DATA_DIR": str(self.folder)}, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, _NEEDS_A_PERSON), "the run went well"
        return usage.ru_maxrss


def growing(folder: Path) -> list[Row]:
    """`vending run` over all of it, then for one more day at a time, in turn with a platform that is a month old."""
    short, long = _House(folder / "short", _SHORT), _House(folder / "long", _LONG)
    for small_platform in (short, long):
        small_platform.furnish()
    short.run()
    seconds, kibibytes = timed(long.run)
    Console().print(f"Three years of {_MACHINES} machines from files to exports: {seconds / 60:.0f} minutes")
    whole: tuple[list[float], list[float]] = ([], [])
    building: tuple[list[float], list[float]] = ([], [])
    for number in range(PAIRS, -1, -1):
        day = _LAST_DAY - timedelta(days=number)
        for side, small_platform in enumerate((long, short)):
            small_platform.deliver(day)
            seconds, _ = timed(small_platform.run)
            if number < PAIRS:  # the first round warms up caches
                whole[side].append(seconds)
                building[side].append(small_platform.seconds_of_building())
    return [
        memory_of(f"memory of three years of {_MACHINES} machines in one go", kibibytes, 8192),
        ratio("the marts of a day more of three years, against a day more of a month", *building, 1.2),
        ratio("all of vending run for that day, with a look at every file there is", *whole, 1.2),
    ]
