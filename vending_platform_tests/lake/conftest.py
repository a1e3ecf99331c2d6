"""A lake in a folder of its own."""

from pathlib import Path

import pytest

from vending_platform.lake import Lake
from vending_platform_tests.lake.lakes import local_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return local_lake(tmp_path)
