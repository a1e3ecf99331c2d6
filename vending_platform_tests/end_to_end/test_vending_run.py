"""What the README promises: one command from the sample's deliveries to exports, and again without harm."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vending_platform.environment import PROJECT_DIR
from vending_platform.stopping import STOPPED
from vending_platform_tests.ingestion.raw_folder import sales_file

VENDING = Path(sys.executable).parent / "vending"


def variables(data: Path) -> dict[str, str]:
    others = {key: value for key, value in os.environ.items() if not key.startswith(("VENDING_", "DBT_"))}
    return others | {"VENDING_DATA_DIR": str(data), "NO_COLOR": "1"}


def vending(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [VENDING, *words],
        env=variables(data),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, manifest_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(PROJECT_DIR / "data" / "sources", folder / "sources")
    if manifest_cache.is_dir():
        shutil.copytree(manifest_cache, folder / "scratch" / "manifest")
    return folder


def stop_a_build(data: Path) -> None:
    """Ctrl-C while dbt's threads work: one sentence, and the exit code of one who was stopped."""
    run = subprocess.Popen(
        [VENDING, "run"],
        env=variables(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    )
    while run.poll() is None and not list((data / "scratch" / "dbt").glob("parsed-*")):
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    loaded, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (130, f"{STOPPED}\n")
    assert "Loaded " in loaded


def test_the_sample_becomes_marts_and_exports_with_one_command(data: Path) -> None:
    stop_a_build(data)

    first = vending(data, "run")
    assert first.returncode == 3, first.stdout + first.stderr
    assert first.stderr == "", "what Dagster and dbt log is in the history"
    assert "2024-03-01 to 2024-03-14: " in first.stdout
    assert "checks passed" in first.stdout
    why = re.search(r"never built before|the last build did not end well", first.stdout)
    assert why is not None
    assert why.start() < first.stdout.index("Built "), "it prints first what it will do"
    for export in ("sales_by_day", "machine_daily", "product_daily"):
        manifest = json.loads((data / "processed-data" / export / "manifest.json").read_text())
        assert len(manifest["parts"]) == 14
        assert all((data / "processed-data" / part["path"]).is_file() for part in manifest["parts"])

    status = json.loads(vending(data, "status", "--json").stdout)
    assert status["stale_days"] == status["blocked"] == []
    assert {(export["name"], export["day"]) for export in status["exports"]} >= {("sales_by_day", "2024-03-05")}
    assert all(Path(export["path"]).is_file() for export in status["exports"])
    (run,) = (data / "dbt-artifacts").iterdir()
    assert {path.name for path in run.iterdir()} == {"manifest.json", "run_results.json", "catalog.json"}

    again = vending(data, "run")
    assert "The marts are up to date." in again.stdout
    assert "The exports are up to date." in again.stdout

    (data / "sources" / "sales_VM001_20240305.csv").write_bytes(sales_file())
    assert vending(data, "ingest").returncode == 3
    every_day = [f"2024-03-{day:02d}" for day in range(1, 15)]  # monthly marts are built for their month
    assert json.loads(vending(data, "status", "--json").stdout)["stale_days"] == every_day
    assert "14 business days to build again (2024-03-01" in vending(data, "status").stdout
    corrected = vending(data, "run")
    assert "2024-03-05: " in corrected.stdout
    assert "sales_by_day/: 1 new file" in corrected.stdout

    one_day = vending(data, "run", "--from", "2024-03-07", "--to", "2024-03-07", "--select", "fct_sales")
    assert "2024-03-07: fct_sales" in one_day.stdout
    assert vending(data, "run", "--select", "nonsense").returncode == 2
