"""A fresh clone, and Dagster's own commands in it: nothing is set, as if somebody had typed them after `make setup`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import dagster as dg

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.history import history_in

COMMANDS = Path(sys.executable).parent
_PASSED_ON = ("LANG", "TMPDIR")
_STARTING = 180


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

    def run(self, *words: str, only_output: bool = False) -> str:
        """What the command prints; it has to succeed."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=500, check=False
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(words)}:\n{told}"
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


@dataclass(frozen=True)
class Server:
    address: str

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]


@contextmanager
def serving(clone: Clone, *words: str) -> Iterator[Server]:
    """Dagster's web server and daemon, started by this command on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = clone.folder.parent / f"{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*words, "--port", str(port)],
            cwd=clone.folder,
            env=clone.variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        ends = time.monotonic() + _STARTING
        while time.monotonic() < ends and process.poll() is None:
            try:
                server.ask("{version}")
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError(f"{' '.join(words)} did not start:\n{log.read_text()}")
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with suppress(ProcessLookupError):  # Dagster's code server would wait for a heartbeat first
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
