"""A whole run, from the deliveries to the exports, in a real process that is killed on its way."""

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from vending_platform.exporting import export_all
from vending_platform.ingestion import Watcher
from vending_platform.storage import LocalPlace
from vending_platform.transformation import transform
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import SmallPlatform
from vending_platform_tests.forked import FORKED
from vending_platform_tests.ingestion.raw_folder import RawFolder


def run_until(folder: Path, core: Core, kill_at: int) -> bool:
    """Ingest, transform and export in another process, which is killed with SIGKILL at its moment number `kill_at`: a
    step of the ingestion, the end of a node of dbt, the write of an exported file. Says whether it came that far."""
    process = FORKED.Process(target=_run_and_die, args=(folder, Core(core.folder), kill_at))
    process.start()
    process.join(180)
    assert process.exitcode in (0, -signal.SIGKILL), f"the process ended with {process.exitcode}"
    return process.exitcode != 0


def _run_and_die(folder: Path, core: Core, kill_at: int) -> None:
    passed = 0

    def moment(*_: object) -> None:
        nonlocal passed
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    core.hand_over()
    catalog = core.catalog
    small_platform = SmallPlatform(RawFolder(folder, catalog, Watcher(on_step=moment)), core)
    small_platform.raw_folder.ingest(watcher=small_platform.raw_folder.watcher)
    context = small_platform.raw_folder.context
    transform(catalog, context.warehouse, small_platform.project, run_id="killed", on_node=moment)
    assert isinstance(context.storage.processed, LocalPlace)
    export_all(catalog, context.warehouse, _Dying(context.storage.processed.folder, moment), run_id="killed")


@dataclass(frozen=True)
class _Dying(LocalPlace):
    moment: Callable[[], None]

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        super().write(path, content)
        self.moment()
