"""One extraction in a process of its own, which kills itself at a crash point."""

import os
import signal
from pathlib import Path

from vending_platform.extraction import ExtractionPoint
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.extraction.parts import ExtractedDatabase
from vending_platform_tests.forked import FORKED


def killed_at(extracted: ExtractedDatabase, point: ExtractionPoint, times: int) -> None:
    """The so-many-th time that the extraction comes past the point."""
    arguments = (extracted.server.port, extracted.database, extracted.folder, point, times)
    process = FORKED.Process(target=_extract_until, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _extract_until(port: int, database: str, folder: Path, point: ExtractionPoint, times: int) -> None:
    left = iter(range(times - 1))

    def die(reached: ExtractionPoint) -> None:
        if reached is point and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    extracted = ExtractedDatabase(MariaDb(port, Path()), database, folder, on_point=die)
    extracted.propose_always_comparing()
    extracted.extract()
