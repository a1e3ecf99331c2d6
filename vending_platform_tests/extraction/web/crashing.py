"""One extraction of a web API in a process of its own, which kills itself at a crash point."""

import os
import signal
from datetime import datetime
from pathlib import Path

from vending_platform.catalog import Source
from vending_platform.extraction import ExtractionPoint
from vending_platform_tests.emulators.services import Services
from vending_platform_tests.extraction.web.parts import ExtractedApi, TestClock
from vending_platform_tests.forked import FORKED


def killed_at(extracted: ExtractedApi, point: ExtractionPoint, times: int) -> None:
    """The so-many-th time that the extraction comes past the point."""
    arguments = (extracted.server.address, extracted.sources, extracted.folder, extracted.clock.today, point, times)
    process = FORKED.Process(target=_extract_until, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _extract_until(
    address: str, sources: tuple[Source, ...], folder: Path, today: datetime, point: ExtractionPoint, times: int
) -> None:
    left = iter(range(times - 1))

    def die(reached: ExtractionPoint) -> None:
        if reached is point and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    ExtractedApi(Services(address, {}), folder, sources, TestClock(today), on_point=die).extract()
