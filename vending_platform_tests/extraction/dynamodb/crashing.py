"""One extraction in a process of its own, which kills itself at a point of an export or of an extraction."""

import os
import signal
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.dynamodb import ExportEmulator
from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems
from vending_platform_tests.forked import FORKED


def killed_at(app: ExtractedItems, point: StrEnum, times: int = 1) -> bool:
    """The so-many-th time that the extraction comes past the point; whether it came past so often."""
    credentials = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    arguments = (credentials, app.emulator.aws.endpoint, app.emulator.now, app.name, app.folder, point, times)
    process = FORKED.Process(target=_extract_until, args=arguments)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _extract_until(
    credentials: dict[str, str], endpoint: str, now: datetime, name: str, folder: Path, point: StrEnum, times: int
) -> None:
    os.environ.update(credentials)
    left = iter(range(times - 1))

    def die(reached: StrEnum) -> None:
        if reached is point and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    emulator = ExportEmulator(EmulatedAws(endpoint), now)
    ExtractedItems(emulator, name, folder, on_point=die, on_export_point=die).extract()
