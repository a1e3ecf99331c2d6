"""Dagster beside the service on a laptop: the one that is there is used, and without one it is started and ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from vending_platform.environment import UI_URL_VARIABLE, Environment
from vending_platform.errors import ConfigurationError

_QUERY = """query Places($location: String!) {
  allTopLevelResourceDetailsOrError(
    repositorySelector: {repositoryLocationName: $location, repositoryName: "__repository__"}
  ) { ... on ResourceDetailsList { results { name configuredValues { key value } } } }
}"""
_ANSWER_SECONDS, _END_SECONDS = 5.0, 30.0


class OtherDagster(ConfigurationError):
    """What answers is not the Dagster of this environment; the message says whose it is."""


@contextmanager
def dagster_beside(environment: Environment, url: str, log: Path) -> Iterator[bool]:
    """Whether it was started here: then what it prints goes to `log`, and it ends with the block."""
    if is_answering(environment, url):
        yield False
        return
    address = urlsplit(url)
    if address.hostname not in ("127.0.0.1", "localhost") or address.port is None:
        raise ConfigurationError(
            f"no Dagster answers at {url}: start it there, or set {UI_URL_VARIABLE} to where it is"
        )
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vending_platform", "dev", "--port", str(address.port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the service, which then ends it in its own way
        )
    try:
        yield True
    finally:
        _end(process)


def is_answering(environment: Environment, url: str) -> bool:
    """OtherDagster if what answers there works on other files than this environment's."""
    body = json.dumps({"query": _QUERY, "variables": {"location": environment.domain}}).encode()
    request = Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=_ANSWER_SECONDS) as answer:
            content = json.load(answer)
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return False
        raise OtherDagster(f"what answers at {url} is not Dagster ({error}): {_what_to_do()}") from error
    except (OSError, ValueError) as error:
        raise OtherDagster(f"what answers at {url} is not Dagster ({error}): {_what_to_do()}") from error
    found = (content.get("data") or {}).get("allTopLevelResourceDetailsOrError", {}).get("results", [])
    places = {
        value["key"]: json.loads(value["value"])
        for resource in found
        if resource["name"] == "files"
        for value in resource["configuredValues"]
    }
    ours = str(Path(environment.places.processed).resolve())
    if places.get("processed") != ours:
        theirs = places.get("processed", "nothing of this domain")
        raise OtherDagster(f"the Dagster at {url} works on {theirs}, and not on {ours}: {_what_to_do()}")
    return True


def _what_to_do() -> str:
    return f"end it, or set {UI_URL_VARIABLE} to another address on this machine"


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    ends = time.monotonic() + _END_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(0.05)
    with suppress(ProcessLookupError):  # its code server would wait for a heartbeat first
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
