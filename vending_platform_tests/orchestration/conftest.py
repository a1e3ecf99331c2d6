from pathlib import Path

import pytest

from vending_platform import environment
from vending_platform.catalog import Catalog, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.opening import Platform


@pytest.fixture
def platform(tmp_path: Path, catalog: Catalog, manifest_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Development in an empty folder; `catalog` has seen to it that the project is parsed."""
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    (tmp_path / "sources").mkdir()
    return Platform(environment.load(), read_manifest(DBT_PROJECT_DIR, manifest_cache))
