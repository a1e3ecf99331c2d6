"""Dagster's web server and the service, each as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

_STARTING = 180


@dataclass(frozen=True)
class Server:
    address: str

    def ask(self, query: str) -> Any:
        body = json.dumps({"query": query}).encode()
        request = Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]


@contextmanager
def serving(command: Sequence[str], folder: Path, variables: Mapping[str, str], log: Path) -> Iterator[Server]:
    """The Dagster that this command serves on a free port."""
    with _serving(command, folder, variables, log, lambda address: Server(address).ask("{version}")) as address:
        yield Server(address)


@contextmanager
def serving_service(folder: Path, variables: Mapping[str, str], log: Path) -> Iterator[str]:
    """The address of `vending serve`, with a Dagster of its own beside it, once both answer."""
    command = [str(Path(sys.executable).parent / "vending"), "serve"]
    beside = {"VENDING_UI_URL": f"http://127.0.0.1:{_free_port()}"}
    with _serving(command, folder, {**variables, **beside}, log, _ask_service) as address:
        yield address


def _ask_service(address: str) -> None:
    with urlopen(f"{address}/api/pipeline/status", timeout=60) as answer:
        if not json.load(answer)["dagster_is_up"]:
            raise ConnectionError("Dagster does not answer yet")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _serving(
    command: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    log: Path,
    ask: Callable[[str], object],
) -> Iterator[str]:
    """From its first answer on; with all that it started it ends here."""
    port = _free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=dict(variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + _STARTING
        while time.monotonic() < ends and process.poll() is None:
            try:
                ask(address)
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError(f"{' '.join(command)} did not start:\n{log.read_text()}")
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with suppress(ProcessLookupError):  # Dagster's code server would wait for a heartbeat first
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
