"""`vending run`, stopped or killed in every phase and at random times: it ends as it should, and nothing is lost."""

import os
import random
import shutil
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NoReturn
from unittest import mock

import pytest

from vending_platform.stopping import STOPPED
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.crashing import run_until
from vending_platform_tests.end_to_end.small_platform import FILES, SmallPlatform, checked_days
from vending_platform_tests.end_to_end.test_any_order import LATER, fresh_small_platform
from vending_platform_tests.forked import FORKED
from vending_platform_tests.ingestion.raw_folder import RawFolder

pytestmark = pytest.mark.proof
PHASES = {
    "listing": "vending_platform.ingestion.runs.discover",
    "loading": "vending_platform.ingestion.loading.Validator.validate",
    "publishing": "vending_platform.warehouse.duckdb.connection.Connection._insert",
    "parsing": "vending_platform.transformation.dbt._remembered",
    "building": "dbt.task.run.ModelRunner.execute",
    "testing": "dbt.task.test.TestRunner.execute",
    "exporting": "vending_platform.exporting.publishing._write_piece",
    "recording": "vending_platform.recording.recorder.Recorder.record",
}


def start(core: Core, folder: Path, hang_in: str = "", number: int = 0) -> tuple[BaseProcess, Path]:
    """A `vending run` in `folder`, and where its error output goes. In the phase `hang_in` the signal comes,
    and without it the run would never end."""
    process = FORKED.Process(target=_run, args=(Core(core.folder), folder, hang_in, number))
    process.start()
    return process, folder / "stderr"


def _run(core: Core, folder: Path, hang_in: str, number: int) -> None:
    os.dup2(os.open(folder / "stderr", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a suite in the background ignores it
    os.environ["VENDING_DATA_DIR"] = str(folder)
    sys.argv = ["vending", "run"]
    if hang_in != "parsing":
        core.hand_over()

    from vending_platform import __main__
    from vending_platform.environment import domain

    def hang(*_: object, **__: object) -> NoReturn:
        os.kill(os.getpid(), number)
        while True:
            time.sleep(1)

    with mock.patch.object(domain, "DBT_PROJECT_DIR", core.project_dir):
        if hang_in:
            mock.patch(PHASES[hang_in], hang).start()
        __main__.main()


def deliver(core: Core, folder: Path) -> None:
    RawFolder(folder, core.catalog).deliver({**FILES, **LATER})
    shutil.copytree(core.manifest_cache, folder / "scratch" / "manifest")


def everything(core: Core, folder: Path) -> tuple[object, object, object]:
    """Of a data folder of the command, whose exports have a place of their own."""
    small_platform = SmallPlatform(RawFolder(folder, core.catalog), core)
    files = {path.name for path in (folder / "processed-data").rglob("*.csv")}
    return small_platform.marts(), files, checked_days(small_platform.raw_folder.warehouse)


@pytest.fixture(scope="module")
def expected(core: Core, tmp_path_factory: pytest.TempPathFactory) -> tuple[object, object, object]:
    folder = tmp_path_factory.mktemp("undisturbed")
    deliver(core, folder)
    process, printed = start(core, folder)
    process.join(120)
    assert (process.exitcode, printed.read_text()) == (3, "")  # machine days are missing
    return everything(core, folder)


def test_a_stop_in_every_phase_ends_the_run_and_the_next_continues(
    core: Core, tmp_path: Path, expected: tuple[object, object, object]
) -> None:
    deliver(core, tmp_path)
    for place, phase in enumerate(PHASES):
        number = (signal.SIGINT, signal.SIGTERM)[place % 2]
        process, printed = start(core, tmp_path, phase, number)
        process.join(120)
        is_hanging = process.is_alive()
        process.kill()
        assert not is_hanging, phase
        assert (phase, process.exitcode, printed.read_text()) == (phase, 128 + number, f"{STOPPED}\n")
    process, printed = start(core, tmp_path)
    process.join(120)
    assert (process.exitcode, printed.read_text()) == (3, "")  # machine days are missing
    assert everything(core, tmp_path) == expected


def test_stops_and_kills_at_random_times_lose_nothing(
    core: Core, tmp_path: Path, expected: tuple[object, object, object]
) -> None:
    dice = random.Random()
    deliver(core, tmp_path)
    for _ in range(12):
        process, printed = start(core, tmp_path)
        number = dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
        process.join(dice.uniform(0, 20))
        if process.exitcode is not None:
            continue
        assert process.pid is not None
        os.kill(process.pid, number)
        process.join(60)
        # What was not yet watching, or had ended by itself, prints nothing.
        expected_words = {128 + number: f"{STOPPED}\n", -number: "", 3: ""}
        assert printed.read_text() == expected_words[process.exitcode or 0]
    process, printed = start(core, tmp_path)
    process.join(120)
    assert (process.exitcode, printed.read_text()) == (3, "")  # machine days are missing
    assert everything(core, tmp_path) == expected


def test_a_kill_at_every_moment_of_a_build_and_an_export_loses_nothing(core: Core) -> None:
    """Each run goes on from where the one before was killed, and comes one moment further."""
    with fresh_small_platform(core) as undisturbed:
        undisturbed.run({**FILES, **LATER})
        undisturbed.export()
        expected = undisturbed.marts(), undisturbed.exports(), undisturbed.checked_days()
    with fresh_small_platform(core) as small_platform:
        small_platform.raw_folder.deliver({**FILES, **LATER})
        kill_at = 0
        while run_until(small_platform.raw_folder.folder, core, kill_at):
            kill_at += 1
        assert kill_at > 12
        assert (small_platform.marts(), small_platform.exports()) == expected[:2]
        assert expected[2] - small_platform.checked_days() == set(), "not recorded"
