"""One writer at a time, on one machine. The kernel holds the lock, and releases it however its process ends."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


@contextmanager
def exclusive(path: Path, purpose: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path` while the block runs. If another process holds it, `on_wait` is called once, with what
    that process does.

    The file stays when no process holds it: what counts is the kernel's lock on it, not that it exists.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(_holder(path))
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump({"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat("T", "seconds")}, file)
        file.flush()
        yield


@contextmanager
def exclusive_if_free(path: Path) -> Iterator[bool]:
    """Whether the lock file is held while the block runs: not where another process, or another part of this one, holds
    it. No one waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"{holder['purpose']} (process {holder['pid']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
