"""Dagster's web server as a process of its own, and its GraphQL."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
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
    """What this command serves on a free port, from its first answer on; with all that it started it ends here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=dict(variables),
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
            raise AssertionError(f"{' '.join(command)} did not start:\n{log.read_text()}")
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with suppress(ProcessLookupError):  # Dagster's code server would wait for a heartbeat first
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
