"""The outbox itself: a SQLite file that several processes write and one sends from.

What a process has written stays when it is killed; `lasting` also outlives a power cut. The order of events that the
specification demands is kept here, for every writer: a run starts once, ends once, and nothing follows.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from vending_platform.damage import put_aside

Event = Mapping[str, Any]
"""An OpenLineage RunEvent as JSON has it."""
_VERSION = 1
_SCHEMA = """
create table if not exists events (number integer primary key autoincrement, run text, written text, body text);
create table if not exists open_runs (run text primary key, writer text, start text) without rowid;
create table if not exists refused (number integer primary key, written text, body text, reason text);
create table if not exists attempts (only_row integer primary key check (only_row = 1), sent_at text, failures integer,
  problem text, next_at text);
create table if not exists identity (name text);
insert into identity select lower(hex(randomblob(6))) where not exists (select 1 from identity);
"""
_WAIT = 30.0
"""Seconds that a writer waits for another one: a transaction takes milliseconds, on a laptop under load longer."""


class EventType(StrEnum):
    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


END_STATES = frozenset({EventType.COMPLETE, EventType.FAIL, EventType.ABORT})


@dataclass(frozen=True)
class WaitingEvent:
    """An event that waits. `number` is its place in the order of writing."""

    number: int
    body: str


@dataclass(frozen=True)
class OutboxState:
    """What waits, since when, and how the last attempt to send went. Moments are in ISO format."""

    waiting: int
    oldest: str | None
    refused: int
    open_runs: int
    sent_at: str | None
    failures: int
    """Attempts in a row that failed."""
    problem: str | None
    next_at: str | None
    """Before this moment no run tries again by itself."""

    @property
    def needs_a_person(self) -> bool:
        return bool(self.refused) or self.failures > 0


class Outbox:
    """One file, opened by this process; it can be used from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.RLock()
        try:
            self._connection = _opened(folder / "outbox.db")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # it is not damaged but can't be opened
                raise
            put_aside(folder / "outbox.db", error)
            for log in ("outbox.db-wal", "outbox.db-shm"):
                (folder / log).unlink(missing_ok=True)
            self._connection = _opened(folder / "outbox.db")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @property
    def name(self) -> str:
        """It stays as long as the file does: numbers begin again in another one."""
        ((name,),) = self._query("select name from identity")
        return str(name)

    def write(self, events: Iterable[Event], writer: str, *, lasting: bool = False) -> None:
        """All of these events, or none. One that breaks the order of events is left out: its run has ended already."""
        with self._transaction(lasting=lasting) as connection:
            for event in events:
                _write(connection, event, writer)

    def end(self, run: str, ended: Event) -> None:
        """The last event of a run that its own process can't end any more."""
        with self._transaction(lasting=True) as connection:
            _write(connection, ended, "")

    def open_runs(self, writer: str | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Run, writer and START event of what has not ended, the last to start first."""
        query = "select o.run, o.writer, o.start from open_runs o where ? is null or o.writer = ?"
        found = self._query(query, (writer, writer))
        starts = [(run, by, json.loads(start)) for run, by, start in found]
        yield from sorted(starts, key=lambda one: one[2]["eventTime"], reverse=True)

    def first(self, limit: int, after: int = 0) -> list[WaitingEvent]:
        query = "select number, body from events where number > ? order by number limit ?"
        return [WaitingEvent(number, body) for number, body in self._query(query, (after, limit))]

    def sent(self, numbers: Sequence[int], at: datetime) -> None:
        """The backend has them."""
        with self._transaction() as connection:
            connection.executemany("delete from events where number = ?", [(number,) for number in numbers])
            _note_attempt(connection, at.isoformat(), 0, None, None)

    def failed(self, problem: str, next_at: datetime) -> None:
        """The backend did not answer as it should; everything waits until then."""
        with self._transaction() as connection:
            _note_attempt(connection, None, self.state().failures + 1, problem, next_at.isoformat())

    def refuse(self, number: int, reason: str) -> None:
        """The backend takes this event never: it is kept beside, and holds up no other."""
        with self._transaction() as connection:
            connection.execute(
                "insert or replace into refused select number, written, body, ? from events where number = ?",
                (reason, number),
            )
            connection.execute("delete from events where number = ?", (number,))

    def offer_again(self) -> int:
        """What was refused waits again, before everything else. How many events."""
        with self._transaction() as connection:
            count = connection.execute(
                "insert into events (number, run, written, body)"
                " select number, json_extract(body, '$.run.runId'), written, body from refused"
            ).rowcount
            connection.execute("delete from refused")
            return count

    def refused(self) -> list[tuple[WaitingEvent, str]]:
        found = self._query("select number, body, reason from refused order by number")
        return [(WaitingEvent(number, body), reason) for number, body, reason in found]

    def state(self) -> OutboxState:
        ((waiting, oldest),) = self._query("select count(*), min(written) from events")
        ((refused,),) = self._query("select count(*) from refused")
        ((open_runs,),) = self._query("select count(*) from open_runs")
        last = self._query("select sent_at, failures, problem, next_at from attempts") or [(None, 0, None, None)]
        return OutboxState(waiting, oldest, refused, open_runs, *last[0])

    def _query(self, text: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(text, values).fetchall()

    @contextmanager
    def _transaction(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            # In WAL mode a normal commit is in the kernel's hands, which a kill does not undo; a full one is on disk.
            self._connection.execute(f"pragma synchronous = {'full' if lasting else 'normal'}")
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("pragma journal_mode = wal")
        if connection.execute("pragma user_version").fetchone()[0] != _VERSION:
            connection.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {_VERSION}; commit;")
    except BaseException:
        connection.close()
        raise
    return connection


def _write(connection: sqlite3.Connection, event: Event, writer: str) -> None:
    run, state = event["run"]["runId"], EventType(event["eventType"])
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    if state is EventType.START:
        changed = connection.execute("insert or ignore into open_runs values (?, ?, ?)", (run, writer, body)).rowcount
    elif state in END_STATES:
        changed = connection.execute("delete from open_runs where run = ?", (run,)).rowcount
    else:
        changed = len(connection.execute("select 1 from open_runs where run = ?", (run,)).fetchall())
    if changed:
        connection.execute("insert into events (run, written, body) values (?, ?, ?)", (run, event["eventTime"], body))


def _note_attempt(
    connection: sqlite3.Connection, sent_at: str | None, failures: int, problem: str | None, next_at: str | None
) -> None:
    connection.execute(
        "insert into attempts values (1, ?, ?, ?, ?) on conflict (only_row) do update set"
        " sent_at = coalesce(excluded.sent_at, sent_at), failures = excluded.failures, problem = excluded.problem,"
        " next_at = excluded.next_at",
        (sent_at, failures, problem, next_at),
    )
