from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fleet_simulator import generate


@pytest.fixture(scope="session")
def tidy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight machines over four weeks in spring, when slots turn from hot to cold."""
    folder = tmp_path_factory.mktemp("tidy")
    generate(folder, machines=8, days=28, seed=7)
    return folder


@pytest.fixture(scope="session")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three machines through the weeks in which slots turn from cold to hot."""
    folder = tmp_path_factory.mktemp("autumn")
    generate(folder, machines=3, days=56, seed=7, first_day=date(2024, 9, 23))
    return folder


@pytest.fixture(scope="session")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fleet of the committed sample."""
    folder = tmp_path_factory.mktemp("untidy")
    generate(folder, machines=8, days=14, seed=1, untidy=True)
    return folder


@pytest.fixture(scope="session")
def untidy_and_larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many files that every kind is planted more than once; short ones, to be read quickly."""
    folder = tmp_path_factory.mktemp("larger")
    generate(folder, machines=36, days=50, seed=5, untidy=True, rows_per_file=7)
    return folder


@pytest.fixture(scope="session")
def january_and_august(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven machines, one on each type of site, over four weeks of winter and four weeks of summer."""
    folders = []
    for first_day in (date(2024, 1, 8), date(2024, 8, 5)):
        folders.append(tmp_path_factory.mktemp("season"))
        generate(folders[-1], machines=7, days=28, seed=3, first_day=first_day)
    return folders
