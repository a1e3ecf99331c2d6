from pathlib import Path

import pytest

from vending_platform.catalog import Catalog
from vending_platform_tests.ingestion.raw_folder import RawFolder


@pytest.fixture
def raw_folder(tmp_path: Path, catalog: Catalog) -> RawFolder:
    (tmp_path / "sources").mkdir()
    return RawFolder(tmp_path, catalog)
