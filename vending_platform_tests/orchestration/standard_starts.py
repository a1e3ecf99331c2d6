"""A fresh clone, and Dagster's own commands in it: nothing is set, as if somebody had typed them after `make setup`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests import web_servers
from vending_platform_tests.history import history_in
from vending_platform_tests.web_servers import Server

COMMANDS = Path(sys.executable).parent
_PASSED_ON = ("LANG", "TMPDIR")


@dataclass(frozen=True)
class Clone:
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What an activated environment has that this clone is installed in, and nothing else."""
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "PYTHONPATH": str(self.folder),
        }

    def run(self, *words: str, only_output: bool = False, returncode: int = 0) -> str:
        """What the command prints; it has to end with this code."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=500, check=False
        )
        told = done.stdout + done.stderr
        assert done.returncode == returncode, f"{' '.join(words)}:\n{told}"
        return done.stdout if only_output else told

    def runs(self) -> dict[str, dg.DagsterRunStatus]:
        """The runs of the history that `vending run` and `vending dev` use, by their ids."""
        with history_in(self.folder / "data" / "dagster") as history:
            return {run.run_id: run.status for run in history.get_runs()}


def fresh_clone(parent: Path) -> Clone:
    """The files of the repository as they are now, committed or not."""
    folder = parent / "vending-platform"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT_DIR, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (PROJECT_DIR / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT_DIR / name, folder / name)
    return Clone(folder)


@contextmanager
def serving(clone: Clone, *words: str) -> Iterator[Server]:
    """Dagster's web server and daemon, started by this command."""
    log = clone.folder.parent / "serving.log"
    with web_servers.serving(words, clone.folder, clone.variables, log) as server:
        yield server
