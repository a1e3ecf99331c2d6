"""Where Dagster remembers runs: one folder per environment, so that a run from a shell and the UI share one history."""

import os
import shutil
from pathlib import Path

import dagster as dg

from vending_platform.environment import PROJECT_DIR

SETTINGS = PROJECT_DIR / "dagster.yaml"


def prepare_home(home: Path) -> Path:
    """The folder, with the repository's settings in it: Dagster reads them from nowhere else."""
    home.mkdir(parents=True, exist_ok=True)
    kept = home / SETTINGS.name
    if not kept.exists() or kept.read_bytes() != SETTINGS.read_bytes():
        shutil.copyfile(SETTINGS, kept)
    os.environ["DAGSTER_HOME"] = str(home.resolve())  # for dagster.yaml, and for the processes that we start
    return home.resolve()


def open_history(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(prepare_home(home)))
