"""The laptop's warehouse: one DuckDB file, with a lock file and a status file beside it.

DuckDB lets no second process even read while one has the file open for writing. So every connection here is short,
writers wait in line for a lock of our own (`lock`), and what people want to know meanwhile is in the status file.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from vending_platform.file_lock import exclusive
from vending_platform.warehouse.duckdb.connection import Connection
from vending_platform.warehouse.interface import STATUS, WarehouseBusy, WarehouseError

CONNECTION_CONFIG = {"memory_limit": "400MB"}
"""Without a limit DuckDB keeps in memory what it wrote; above it, it uses the disk. The memory of Python and of a
stream of rows on its way into DuckDB comes on top: together they stay below 1 GB."""
_OUT_OF_SPACE = ("No space left", "File too large", "Disk quota exceeded", "Out of Memory")
_OTHER_CONFIGURATION = "different configuration"
_SECONDS_FOR_READERS = 20
"""That long a writer waits for readers to finish."""


class DuckDBWarehouse:
    """`connect(read_only=…)` opens the file; without it, it is opened with our own configuration."""

    def __init__(self, path: Path, connect: "Callable[..., duckdb.DuckDBPyConnection] | None" = None) -> None:
        self._path = path
        self._connect = connect or partial(duckdb.connect, path, config=dict(CONNECTION_CONFIG))
        self._lock = path.with_suffix(".lock")
        self._next_status = path.with_suffix(
            f".{STATUS}.next"
        )  # exists from before a change until its status is published

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        if not self._path.exists():
            with duckdb.connect() as empty:
                yield Connection(empty)
            return
        with self._open(read_only=True) as opened, _file_errors(self._path):
            yield Connection(opened)

    @contextmanager
    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator[Connection]:
        with self.reserved(purpose, on_wait) as reservation, reservation.writing() as writer:
            yield writer

    @contextmanager
    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_DuckDBReservation"]:
        with exclusive(self._lock, purpose, on_wait):
            yield _DuckDBReservation(self._path, self._open)

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            opened = self._connected(read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            message = str(error)
            if "Conflicting lock" in message or _OTHER_CONFIGURATION in message:
                raise WarehouseBusy(f"{self._path} is in use: {message}") from error
            raise WarehouseError(_explained(self._path, "opened", error)) from error
        except duckdb.Error as error:
            raise WarehouseError(_explained(self._path, "opened", error)) from error
        opened.execute("set enable_progress_bar = false")  # it would print into the terminal's own output
        return opened

    def _connected(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            return self._connect(read_only=read_only)
        except duckdb.ConnectionException as error:
            if _OTHER_CONFIGURATION not in str(error):
                raise
            gc.collect()  # dbt may leave a connection of this process behind, where only the collector finds it
            return self._connect(read_only=read_only)

    def announce_change(self) -> None:
        self._next_status.touch()

    def is_status_outdated(self) -> bool:
        # A warehouse that was deleted holds nothing of what its status says.
        return self._next_status.exists() or not self._path.exists()

    def publish_status(self, text: Callable[[], str], name: str = STATUS) -> None:
        new = self._path.with_suffix(f".{name}.next")
        new.write_text(text(), encoding="utf-8")
        new.replace(self._path.with_suffix(f".{name}.json"))

    def last_status(self, name: str = STATUS) -> str | None:
        try:
            return self._path.with_suffix(f".{name}.json").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """An error of the file or its disk becomes one sentence; an error in a statement is a bug, and stays as it is."""
    try:
        yield
    except (duckdb.OperationalError, duckdb.FatalException, duckdb.InternalError) as error:
        raise WarehouseError(_explained(path, "used", error)) from error


def _explained(path: Path, what: str, error: duckdb.Error) -> str:
    message = " ".join(str(error).split())
    if any(words in message for words in _OUT_OF_SPACE):
        return f"there is no space for {path}: nothing is lost, run the same command again when there is ({message})"
    return (
        f"{path} can't be {what}, perhaps it is damaged: put a backup in its place, or move it away and build it again"
        f" from the deliveries, as docs/operating.md describes under *A damaged warehouse* ({message})"
    )


class _DuckDBReservation:
    def __init__(self, path: Path, open_: Callable[..., duckdb.DuckDBPyConnection]) -> None:
        self._path = path
        self._open = open_

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        # Readers do not wait in line, but they are short; one that stays is a shell that a person has open.
        for attempt in Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            stop=stop_after_delay(_SECONDS_FOR_READERS),
            wait=wait_fixed(0.05),
            reraise=True,
        ):
            with attempt:
                opened = self._open(read_only=False)
        with _file_errors(self._path), opened:
            yield Connection(opened)
