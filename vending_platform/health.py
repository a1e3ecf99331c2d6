"""What `vending doctor` is made of: checks, which each package makes for what it needs, and checks of folders.

A check changes nothing. It says in a few words what it found, or raises what is wrong and how to fix it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vending_platform.environment import DATA_DIR_VARIABLE
from vending_platform.errors import PlatformError


class CheckFailed(PlatformError):
    """The message says what is wrong, and how to fix it."""


class CheckSkipped(PlatformError):
    """It can't be told whether it is fine; the message says why."""


@dataclass(frozen=True)
class HealthCheck:
    """`run` is not called unless all that the check `needs` is fine; one that is `alone` runs after all others."""

    name: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()
    seconds: float = 60
    """After that long without an answer the check has failed."""
    alone: bool = False


def check_readable(folder: Path) -> str:
    """A folder that others fill."""
    if not folder.is_dir():
        raise CheckFailed(
            f"{folder} is not a folder: make it, or set {DATA_DIR_VARIABLE} to where deliveries are expected"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise CheckFailed(f"this user may not read {folder}: grant it the right to")
    return f"{folder} can be read"


def check_writable(folder: Path) -> str:
    """A folder that is made when it is needed."""
    existing = nearest_existing(folder)
    if not existing.is_dir():
        raise CheckFailed(f"{existing} is not a folder, and {folder} has to be one: move it away")
    if not os.access(existing, os.R_OK | os.W_OK | os.X_OK):
        raise CheckFailed(f"this user may not write to {existing}, or its disk is read-only: fix its permissions")
    return f"{folder} can be written" + ("" if existing == folder else ", and is made when it is needed")


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or the part of its path that exists."""
    existing = folder.absolute()
    while not os.path.lexists(existing):
        existing = existing.parent
    return folder if existing == folder.absolute() else existing
