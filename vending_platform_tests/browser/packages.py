"""What npm's lock names, installed once for all tests and kept for the next run: it takes a while."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.shared import made_once

SOURCE = PROJECT_DIR / "dashboard"
_LOCKED = ("package.json", "package-lock.json", ".npmrc")


def installed(kept: Path) -> Path:
    """A folder with `node_modules`, as `npm ci` makes it."""
    version = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in _LOCKED)).hexdigest()[:16]
    return made_once(kept / f"npm-{version}", _install)


def _install(folder: Path) -> None:
    for name in _LOCKED:
        shutil.copy2(SOURCE / name, folder / name)
    run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)


def built(packages: Path, folder: Path) -> Path:
    """The page, type-checked and built anew from its source."""
    shutil.copytree(SOURCE, folder / "dashboard", ignore=shutil.ignore_patterns("node_modules"))
    source = folder / "dashboard"
    (source / "node_modules").symlink_to(packages / "node_modules")
    run("npm", "run", "--silent", "typecheck", cwd=source)
    run("npm", "run", "--silent", "build", "--", "--logLevel", "error", cwd=source)
    return folder / "vending_platform" / "service" / "static"


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
