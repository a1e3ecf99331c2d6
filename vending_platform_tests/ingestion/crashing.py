"""Runs of a real process that is killed on its way."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from vending_platform.catalog import Catalog
from vending_platform.ingestion import CrashPoint, Watcher
from vending_platform_tests.forked import FORKED
from vending_platform_tests.ingestion.raw_folder import RawFolder


def ingest_until(folder: Path, catalog: Catalog, kill_at: int) -> bool:
    """Ingest in another process, which is killed with SIGKILL when it passes its boundary number `kill_at`.

    Says whether it came that far.
    """
    process = FORKED.Process(target=_ingest_and_die, args=(folder, catalog, kill_at))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), f"the process ended with {process.exitcode}"
    return process.exitcode != 0


def ingest_together(folder: Path, catalog: Catalog, times: int) -> None:
    """Start several ingests at the same moment and wait for them all."""
    processes = [FORKED.Process(target=_ingest_and_die, args=(folder, catalog, -1)) for _ in range(times)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * times


def _ingest_and_die(folder: Path, catalog: Catalog, kill_at: int) -> None:
    RawFolder(folder, catalog).ingest(watcher=Watcher(on_step=_dying_at(kill_at)))


def _dying_at(kill_at: int) -> Callable[[CrashPoint], None]:
    passed = 0

    def on_step(_: CrashPoint) -> None:
        nonlocal passed
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    return on_step
