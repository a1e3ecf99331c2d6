"""This machine: its Python, what is installed, its folders and its disk."""

import os
import re
import shutil
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from vending_platform.doctor.runner import CheckFailed
from vending_platform.environment import DATA_DIR_VARIABLE, PROJECT_DIR
from vending_platform.warehouse import DuckDBWarehouse, TableName, WarehouseBusy

LOCK = PROJECT_DIR / "requirements.lock"
_US = "vending-platform"
_TOLD = ("dagster", "dbt-core", "duckdb", "snowflake-connector-python")
_PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
_BOUND = re.compile(r"(>=|<)(\d+)\.(\d+)")
_ENOUGH = 2 * 1024**3
"""A large delivery goes through a scratch file, and what DuckDB can't keep in memory goes to disk."""


def python(version: tuple[int, ...] = sys.version_info[:3]) -> str:
    told = ".".join(map(str, version))
    wanted = metadata.metadata(_US)["Requires-Python"]
    for sign, major, minor in _BOUND.findall(wanted):
        bound = (int(major), int(minor))
        if not (version[:2] >= bound if sign == ">=" else version[:2] < bound):
            raise CheckFailed(f"this is Python {told}, and {wanted} is needed: make clean setup PYTHON=<another>")
    return f"{told}, as {wanted} asks"


def packages(lock: str | None = None) -> str:
    """`lock` is the text of the lock; the repository's own where nobody says otherwise."""
    pinned: dict[str, set[str]] = {}
    for name, version in _PINNED.findall(LOCK.read_text() if lock is None else lock):
        pinned.setdefault(_plain(name), set()).add(version)
    installed = {_plain(found.name): found.version for found in metadata.distributions()}
    needed = {_plain(re.split(r"[^\w.-]", one)[0]) for one in metadata.requires(_US) or () if "extra ==" not in one}
    wrong = [f"{name} is missing" for name in sorted(needed - installed.keys())]
    wrong += [
        f"{name} is {installed[name]} and not {' or '.join(sorted(versions))}"
        for name, versions in sorted(pinned.items())
        if name in installed and installed[name] not in versions
    ]
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise CheckFailed(f"not as {LOCK.name} says: {shown}: make clean setup")
    return ", ".join(f"{name} {installed[name]}" for name in _TOLD) + f" and the others as {LOCK.name} says"


def readable(folder: Path) -> str:
    """A folder that somebody else fills."""
    if not folder.is_dir():
        raise CheckFailed(
            f"{folder} is not a folder: make it, or say with {DATA_DIR_VARIABLE} where deliveries are expected"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise CheckFailed(f"{folder} may not be read by this user: give it the right to")
    return f"{folder} can be read"


def writable(folder: Path) -> str:
    """A folder that is made when it is needed."""
    there = _nearest(folder)
    if not there.is_dir():
        raise CheckFailed(f"{there} is not a folder, and {folder} has to be one: move it away")
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        raise CheckFailed(
            f"{there} may not be written by this user, or nothing may be written on its disk: fix its rights"
        )
    return f"{folder} can be written" + ("" if there == folder else ", and is made when it is needed")


def disk(folders: Iterable[Path], enough: int = _ENOUGH) -> str:
    free = {there: shutil.disk_usage(there).free for there in map(_nearest, folders)}
    least = min(free, key=free.__getitem__)
    told = f"{free[least] / 1024**3:.1f} GB are free where {least} is"
    if free[least] < enough:
        raise CheckFailed(f"only {told}, and {enough / 1024**3:.0f} GB are needed for what is in work: make room there")
    return told


def duckdb_file(path: Path) -> str:
    if not path.exists():
        writable(path.parent)
        return f"{path} is made by the first load"
    if not os.access(path, os.R_OK | os.W_OK):
        raise CheckFailed(f"{path} may not be written by this user: fix its rights")
    try:
        with DuckDBWarehouse(path).reading() as reader:
            is_filled = reader.has_table(TableName("raw", "_files"))
    except WarehouseBusy as busy:
        return f"somebody is writing there: {busy}"
    return f"{path} can be opened" + ("" if is_filled else "; nothing was loaded yet")


def _nearest(folder: Path) -> Path:
    """The folder itself, or what of the way to it there is."""
    there = folder.absolute()
    while not os.path.lexists(there):
        there = there.parent
    return folder if there == folder.absolute() else there


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
