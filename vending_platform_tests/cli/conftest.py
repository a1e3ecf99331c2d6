"""A data folder of its own for every command."""

import os
import shutil
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Catalog, manifest_cache: Path) -> Path:
    """A data folder of its own, in which dbt's manifest is kept already."""
    for name in list(os.environ):
        if name.upper().startswith("VENDING_"):
            monkeypatch.delenv(name)
    data = tmp_path / "data"
    (data / "sources").mkdir(parents=True)
    shutil.copytree(manifest_cache, data / "scratch" / "manifest")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VENDING_DATA_DIR", str(data))
    return data
