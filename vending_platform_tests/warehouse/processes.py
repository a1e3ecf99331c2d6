"""Other processes that have the warehouse open, for tests of what this one sees meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = """
import sys
from pathlib import Path
from vending_platform.warehouse.duckdb import DuckDBWarehouse
warehouse = DuckDBWarehouse(Path(sys.argv[1]))
def wait(holder):
    print("waiting for", holder, flush=True)
opened = warehouse.reading() if sys.argv[2] == "reading" else warehouse.writing(sys.argv[2], wait)
with opened:
    print("open", flush=True)
    sys.stdin.readline()
"""


class Other:
    """A process that opens the warehouse `path`, and keeps it open until it is told to stop."""

    def __init__(self, path: Path, purpose: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, str(path), purpose],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def says(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def stop(self) -> None:
        self._process.communicate("\n", timeout=30)

    def kill(self) -> None:
        """SIGKILL: the process has no chance to tidy up."""
        self._process.kill()
        self._process.communicate(timeout=30)


@contextmanager
def other_process(path: Path, purpose: str) -> Iterator[Other]:
    """A process that reads (`reading`) or writes for `purpose`; it never outlives the block."""
    other = Other(path, purpose)
    try:
        yield other
    finally:
        other.kill()
