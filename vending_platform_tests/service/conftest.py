"""A built platform, Dagster, and the application over both."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vending_platform import environment
from vending_platform.environment import Environment, Places
from vending_platform.opening import Platform
from vending_platform.service.login import Access
from vending_platform.service.pipeline.application import create_app
from vending_platform.service.web import Loopback, RequestLimits, WebSettings
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import built_once
from vending_platform_tests.service.dagster_here import DagsterHere, dagster_here

ADDRESS = "http://127.0.0.1:8000"
MakeClient = Callable[[FastAPI], TestClient]
GENEROUS = RequestLimits(per_second=100_000, burst=100_000)
"""For tests that are about something else."""


@pytest.fixture(scope="session")
def dagster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterHere]:
    with dagster_here(tmp_path_factory.mktemp("dagster")) as here:
        yield here


@pytest.fixture
def dagster(dagster_server: DagsterHere) -> DagsterHere:
    dagster_server.clear()
    return dagster_server


@pytest.fixture(scope="session")
def built_folder(run_folder: Path, core: Core, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small platform, six days of it built and exported; no one changes it."""
    folder = tmp_path_factory.mktemp("service") / "data"
    shutil.copytree(built_once(run_folder, core), folder, copy_function=shutil.copy2)
    return folder


@pytest.fixture
def platform(built_folder: Path, core: Core, tmp_path: Path) -> Platform:
    """Reads the built platform, and has a place of work of its own."""
    return platform_in(built_folder, core, tmp_path / "work")


def platform_in(folder: Path, core: Core, work: Path) -> Platform:
    return Platform(environment_in(folder, core, work), core.manifest)


def environment_in(folder: Path, core: Core, work: Path) -> Environment:
    return replace(
        environment.load(),
        project_dir=core.project_dir,
        places=Places(str(folder / "sources"), str(folder / "processed"), str(folder / "artifacts"), str(work)),
        warehouse=DuckDBSettings(type="duckdb", path=str(folder / "dbt_dev.duckdb")),
        scratch=folder,  # where dbt has left what it compiled
    )


@pytest.fixture
def access() -> Access:
    return Access(WebSettings([Loopback()], limits=GENEROUS), None)


@pytest.fixture
def app(platform: Platform, access: Access, dagster: DagsterHere) -> FastAPI:
    return create_app(platform, access, dagster.api(), "http://127.0.0.1:3000")


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, ADDRESS, raise_server_exceptions=False) as client:
        yield client
