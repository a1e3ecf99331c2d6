"""What is made once for all workers: it lies beside their folders, and the first that needs it makes it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vending_platform.file_lock import exclusive


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers see."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """`folder`, empty when `make` gets it, and complete for everybody; nobody may change it afterwards."""
    complete = folder.with_suffix(".complete")
    with exclusive(folder.with_suffix(".lock"), "making", on_wait=lambda _: None):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a worker left that failed
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder
