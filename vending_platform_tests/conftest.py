"""What the whole suite shares."""

import os
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.warehouse.lock import exclusive
from vending_platform_tests.emulators.aws import aws

__all__ = ["aws"]


@pytest.fixture(scope="session")
def manifest_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the project's parsed manifest, one for all workers: dbt takes seconds to parse."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "manifest"


@pytest.fixture(scope="session")
def catalog(manifest_cache: Path) -> Catalog:
    """The contracts of the real project."""
    with exclusive(manifest_cache.with_suffix(".lock"), "parsing", on_wait=lambda _: None):
        return load_catalog(DBT_PROJECT_DIR, manifest_cache)
