"""This machine: its Python, what is installed, and its disk."""

import re
import shutil
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from vending_platform.environment import PROJECT_DIR
from vending_platform.health import CheckFailed, nearest_existing

LOCK = PROJECT_DIR / "requirements.lock"
_THIS_PACKAGE = "vending-platform"
_SHOWN = ("dagster", "dbt-core")
_PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
_BOUND = re.compile(r"(>=|<)(\d+)\.(\d+)")
_ENOUGH = 2 * 1024**3
"""A large delivery goes through a scratch file, and DuckDB uses the disk for what it can't keep in memory."""


def python(version: tuple[int, ...] = sys.version_info[:3]) -> str:
    found = ".".join(map(str, version))
    wanted = metadata.metadata(_THIS_PACKAGE)["Requires-Python"]
    for sign, major, minor in _BOUND.findall(wanted):
        bound = (int(major), int(minor))
        if not (version[:2] >= bound if sign == ">=" else version[:2] < bound):
            raise CheckFailed(f"this is Python {found}, and {wanted} is needed: make clean setup PYTHON=<another>")
    return f"{found}, which is {wanted}"


def packages(lock: str | None = None, shown: Iterable[str] = ()) -> str:
    """`lock` is the text of the lock, by default of the repository's own; of packages that are `shown` the version is
    part of the result."""
    pinned: dict[str, set[str]] = {}
    for name, version in _PINNED.findall(LOCK.read_text() if lock is None else lock):
        pinned.setdefault(_plain(name), set()).add(version)
    installed = {_plain(found.name): found.version for found in metadata.distributions()}
    required = metadata.requires(_THIS_PACKAGE) or ()
    needed = {_plain(re.split(r"[^\w.-]", one)[0]) for one in required if "extra ==" not in one}
    wrong = [f"{name} is missing" for name in sorted(needed - installed.keys())]
    wrong += [
        f"{name} is {installed[name]} and not {' or '.join(sorted(versions))}"
        for name, versions in sorted(pinned.items())
        if name in installed and installed[name] not in versions
    ]
    if wrong:
        first = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise CheckFailed(f"not as {LOCK.name} pins it: {first}: make clean setup")
    return ", ".join(f"{name} {installed[name]}" for name in (*_SHOWN, *shown)) + f" and the others as in {LOCK.name}"


def disk(folders: Iterable[Path], enough: int = _ENOUGH) -> str:
    free = {existing: shutil.disk_usage(existing).free for existing in map(nearest_existing, folders)}
    least = min(free, key=free.__getitem__)
    found = f"{free[least] / 1024**3:.1f} GB are free where {least} is"
    if free[least] < enough:
        raise CheckFailed(f"only {found}, and {enough / 1024**3:.0f} GB are needed for work in flight: free some space")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
