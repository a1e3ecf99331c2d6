"""Where Dagster remembers runs: one folder per environment, so that a run from a shell and the UI share one history."""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import dagster as dg
from dagster._core.instance import InstanceRef
from sqlalchemy.exc import DatabaseError

from vending_platform.damage import put_aside
from vending_platform.environment import DATA_DIR_VARIABLE, PROJECT_DIR, UI_URL_VARIABLE, Environment
from vending_platform.file_lock import exclusive
from vending_platform.orchestration.local_instance import local_instance

ALIVE = ".dagster/vending_alive"
"""A tag that the UI does not show: it means nothing to a person."""
_WORKSPACE = PROJECT_DIR / "workspace.yaml"
SETTINGS = PROJECT_DIR / "dagster.yaml"
_QUIET = b"""
python_logs:
  python_log_level: INFO  # the terminal shows what needs a person; every event is in the history
"""


def _prepare_home(home: Path) -> Path:
    """The folder, with the settings of `vending dev` in it: another way to start Dagster uses the repository's."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    (home / SETTINGS.name).write_bytes(SETTINGS.read_bytes() + _QUIET)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def serve(environment: Environment, port: int) -> NoReturn:
    """Become `dagster dev`: the UI and what runs beside it, on this machine only, until Ctrl-C."""
    home = environment.dagster_home
    with open_history(home):
        pass  # whatever was killed since the last time is reported as failed before the first look
    home = _prepare_home(home)
    # Elsewhere it would warn of the repository's dagster.yaml, which is not the one in its home.
    os.environ[DATA_DIR_VARIABLE] = str(home.parent)
    os.environ.setdefault(UI_URL_VARIABLE, f"http://127.0.0.1:{port}")  # where links in alerts lead
    os.chdir(home)
    quietly = ("-W", "ignore:Function `dev_command` is superseded")  # its heir, dg, wants another layout of the project
    guarded = "from vending_platform.orchestration.webserver import dev; dev()"
    words = ("-c", guarded, "--workspace", str(_WORKSPACE), "--host", "127.0.0.1", "--port", str(port))
    os.execv(sys.executable, [sys.executable, *quietly, *words])


def open_history(home: Path) -> dg.DagsterInstance:
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    # Of two that start at once only one may make the tables, or put a damaged file aside.
    with exclusive(home / "opening.lock", "opening the history", on_wait=lambda _: None):
        _replace_damaged(home, "select count(*) from sqlite_master")
        try:
            return _opened(home)
        except DatabaseError:
            # Damaged where only a whole look finds it, which takes long.
            if not _replace_damaged(home, "pragma quick_check(1)"):
                raise
            return _opened(home)


def _opened(home: Path) -> dg.DagsterInstance:
    settings: Any = local_instance(home)
    history = dg.DagsterInstance.from_ref(
        InstanceRef.from_dir(str(home), config_dir=str(SETTINGS.parent), overrides=settings)
    )
    _bury_the_dead(history, home)
    return history


def _replace_damaged(home: Path, look: str) -> bool:
    """Whether a database is damaged: it is put aside, and Dagster begins another. `look` is a statement that fails
    then, or has another answer than a whole database gives."""
    found = [(path, problem) for path in home.rglob("*.db") if (problem := _problem(path, look)) is not None]
    for path, problem in found:
        for log in (f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(log).unlink(missing_ok=True)  # of no use without it, and harmful to another one
        put_aside(path, problem)
    return bool(found)


def _problem(path: Path, look: str) -> str | None:
    with closing(sqlite3.connect(path)) as connection:
        try:
            (answer,) = connection.execute(look).fetchone()
        except sqlite3.OperationalError:  # another process has it, or the disk is full
            return None
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if isinstance(answer, int) or answer == "ok" else str(answer)


@contextmanager
def alive(home: Path) -> Iterator[str]:
    """The name of a mark that the kernel takes away when this process ends, in any way: a run that bears it in its tags
    and is under way without it was killed."""
    marks = home / "alive"
    marks.mkdir(parents=True, exist_ok=True)
    name = uuid4().hex
    with (marks / name).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            (marks / name).unlink(missing_ok=True)


def cancel(history: dg.DagsterInstance, home: Path, mark: str) -> None:
    """The run that bears this mark was stopped by a person, which is no failure."""
    for run in history.get_runs(dg.RunsFilter(tags={ALIVE: mark})):
        history.report_run_canceled(run, "Stopped.")
    (home / "alive" / mark).unlink(missing_ok=True)


def _bury_the_dead(history: dg.DagsterInstance, home: Path) -> None:
    """A server notices when a run of its own is killed; of a shell's run nothing would, and it would count for ever as
    one of those that may run at once."""
    under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in history.get_runs(under_way):
        name = run.tags.get(ALIVE)
        if name is not None and not _is_alive(home / "alive" / name):
            history.report_run_failed(run, "The process of this run was killed.")
            (home / "alive" / name).unlink(missing_ok=True)


def _is_alive(mark: Path) -> bool:
    try:
        with mark.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
