"""Whoever reads the file of a laptop's warehouse, such as the service, makes dbt wait, not fail."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.credentials import DuckDBCredentials, Retries

from vending_platform.environment import PROJECT_DIR

_READ = "import duckdb, sys; opened = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input()"
PROFILES = ["dbt_project", "domains/dpc", "vending_platform_tests/domains/libraries"]


@pytest.mark.parametrize("project", PROFILES)
def test_dbt_waits_for_a_reader(project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(file).close()
    (profile,) = yaml.safe_load((PROJECT_DIR / project / "profiles.yml").read_text()).values()
    credentials = DuckDBCredentials(
        database="warehouse",
        schema="main",
        path=str(file),
        retries=Retries(**profile["outputs"]["development"].get("retries", {})),
    )
    with subprocess.Popen([sys.executable, "-c", _READ, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                reader.communicate(b"\n")

        monkeypatch.setattr(environments, "time", SimpleNamespace(sleep=wait))
        try:
            environments.Environment.initialize_db(credentials).close()
        finally:
            reader.kill()
    assert waits == [1, 2]
