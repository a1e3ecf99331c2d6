"""Where Dagster remembers runs: one folder per environment, so that a run from a shell and the UI share one history."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import dagster as dg

from vending_platform.environment import DATA_DIR_VARIABLE, PROJECT_DIR, Environment

_WORKSPACE = PROJECT_DIR / "workspace.yaml"
SETTINGS = PROJECT_DIR / "dagster.yaml"


def prepare_home(home: Path) -> Path:
    """The folder, with the repository's settings in it: Dagster reads them from nowhere else."""
    home.mkdir(parents=True, exist_ok=True)
    kept = home / SETTINGS.name
    if not kept.exists() or kept.read_bytes() != SETTINGS.read_bytes():
        shutil.copyfile(SETTINGS, kept)
    os.environ["DAGSTER_HOME"] = str(home.resolve())  # for dagster.yaml, and for the processes that we start
    return home.resolve()


def serve(environment: Environment, port: int) -> NoReturn:
    """Become `dagster dev`: the UI and what runs beside it, on this machine only, until Ctrl-C."""
    home = prepare_home(environment.dagster_home)
    # Elsewhere it would warn of the repository's dagster.yaml, which is not the one in its home.
    os.environ[DATA_DIR_VARIABLE] = str(home.parent)
    os.chdir(home)
    quietly = ("-W", "ignore:Function `dev_command` is superseded")  # its heir, dg, wants another layout of the project
    words = ("-m", "dagster", "dev", "--workspace", str(_WORKSPACE), "--host", "127.0.0.1", "--port", str(port))
    os.execv(sys.executable, [sys.executable, *quietly, *words])


def open_history(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(prepare_home(home)))
