"""One emulated AWS for all tests of exports, and an empty table for each."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from vending_platform_tests.emulators.aws import EmulatedAws, aws
from vending_platform_tests.emulators.dynamodb import emulated_exports
from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems

__all__ = ["aws"]


@pytest.fixture
def app(aws: EmulatedAws, tmp_path: Path) -> Iterator[ExtractedItems]:
    with emulated_exports(aws) as emulator:
        name = f"app-{uuid4().hex[:8]}"
        emulator.create_table(name, "pk", "sk")
        yield ExtractedItems(emulator, name, tmp_path)
