"""The sample as `vending run` leaves it, made once for all workers: no one else spends that half a minute again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.shared import made_once

VENDING = Path(sys.executable).parent / "vending"
_OUTPUT = "printed.json"


@dataclass(frozen=True)
class Printed:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Sample:
    """`data` is what everyone reads and no one changes; `copied` gives a copy to work on."""

    data: Path
    stopped: Printed
    """A first run, stopped while dbt's threads worked."""
    first: Printed
    """The run after it, which did everything."""

    def copied(self, to: Path) -> Path:
        """Without the lake, whose files name where they are: the next run writes it again."""
        lake = shutil.ignore_patterns("lake")
        return Path(shutil.copytree(self.data, to, copy_function=shutil.copy2, ignore=lake))


def variables(data: Path) -> dict[str, str]:
    others = {key: value for key, value in os.environ.items() if not key.startswith(("VENDING_", "DBT_"))}
    return others | {"VENDING_DATA_DIR": str(data), "NO_COLOR": "1"}


def vending(data: Path, *words: str, **more: str) -> Printed:
    """A command over this data, with these variables beside those of a laptop."""
    done = subprocess.run(
        [VENDING, *words], env=variables(data) | more, capture_output=True, text=True, timeout=1200, check=False
    )
    return Printed(done.returncode, done.stdout, done.stderr)


def sample_in(folder: Path, manifest_cache: Path) -> Sample:
    """The one of this run of the tests, which share `folder`."""
    made = made_once(folder / "sample", lambda empty: _make(empty, manifest_cache))
    stopped, first = (Printed(**printed) for printed in json.loads((made / _OUTPUT).read_text()))
    return Sample(made / "data", stopped, first)


def _make(folder: Path, manifest_cache: Path) -> None:
    data = folder / "data"
    shutil.copytree(PROJECT_DIR / "data" / "sources", data / "sources")
    if manifest_cache.is_dir():
        shutil.copytree(manifest_cache, data / "scratch" / "manifest")
    printed = [_stop_a_build(data), vending(data, "run")]
    (folder / _OUTPUT).write_text(json.dumps([asdict(one) for one in printed]))


def _stop_a_build(data: Path) -> Printed:
    """Ctrl-C while dbt's threads work."""
    run = subprocess.Popen(
        [VENDING, "run"],
        env=variables(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    )
    while run.poll() is None and not list((data / "scratch" / "dbt").glob("parsed-*")):
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    stdout, stderr = run.communicate(timeout=60)
    return Printed(run.returncode, stdout, stderr)
