"""One MariaDB for the tests of extractions, and an empty database of it for each."""

from pathlib import Path

import pytest

from vending_platform_tests.emulators.mariadb import MariaDb, database, mariadb
from vending_platform_tests.extraction.parts import ExtractedDatabase

__all__ = ["database", "mariadb"]


@pytest.fixture
def extracted(mariadb: MariaDb, database: str, tmp_path: Path) -> ExtractedDatabase:
    return ExtractedDatabase(mariadb, database, tmp_path)
