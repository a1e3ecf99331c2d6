from pathlib import Path

import pytest

from vending_platform.catalog import Catalog
from vending_platform_tests.ingestion.yard import Yard


@pytest.fixture
def yard(tmp_path: Path, catalog: Catalog) -> Yard:
    (tmp_path / "sources").mkdir()
    return Yard(tmp_path, catalog)
