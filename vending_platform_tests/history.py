"""Dagster's history for tests: the one of a laptop, as its own waits for the disk at every event."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from vending_platform.orchestration.history import open_history


@contextmanager
def history_in(home: Path) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))  # opening says it to the whole process, for good
        with open_history(home) as history:
            yield history
