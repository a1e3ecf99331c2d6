"""What an extraction is given, what it says it did, and what a kind of system has to offer.

Every kind of system is an `Extractor`. Of databases only the snapshot differs (`mysql.snapshot` is the example), and
everything else (which rows are due, files, notes, crashes) is `running.extract`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from vending_platform.catalog import Source
from vending_platform.errors import ConfigurationError, PlatformError, Unavailable
from vending_platform.extraction.crash_points import OnPoint
from vending_platform.storage import Place


class ExtractionError(ConfigurationError):
    """What a contract names can't be extracted as the system is now; the message says what differs."""


class SystemUnavailable(Unavailable):
    """The system did not answer, or ended the query; another attempt may succeed."""


@dataclass(frozen=True)
class UndeclaredItems:
    """Items of a table that no contract takes, so nothing of them is delivered."""

    table: str
    kind: str
    """What they look like, such as `kind coupon`; empty if nothing tells kinds apart."""
    items: int

    def __str__(self) -> str:
        return f"{self.table}: {self.items:,} item{'s' if self.items != 1 else ''}" + (
            f" with {self.kind}" if self.kind else ""
        )


def summed(found: Iterable[UndeclaredItems]) -> tuple[UndeclaredItems, ...]:
    """Those that look the same as one; the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for one in found:
        counts[one.table, one.kind] = counts.get((one.table, one.kind), 0) + one.items
    by_count = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(UndeclaredItems(table, kind, items) for (table, kind), items in by_count)


@dataclass(frozen=True)
class Extracted:
    """What one extraction of a source did; without a path there was nothing that is not delivered yet."""

    source: str
    business_day: date
    path: str | None = None
    """Of the last delivery, if there are several."""
    files: int = 0
    """How many were delivered, where that can be several at once."""
    rows: int = 0
    """In what was delivered."""
    rows_read: int = 0
    bytes: int = 0
    seconds: float = 0.0
    watermark: str | None = None
    deleted: int = 0
    """How many of the rows are deleted ones."""
    problem: str | None = None
    """Why it was not extracted."""
    undeclared: tuple[UndeclaredItems, ...] = ()
    """What was read beside it, from the same table, and belongs to no source."""


@dataclass(frozen=True)
class SystemFailure:
    """A whole system that did not answer, or that no one has connected; `sources` are those that come from it."""

    sources: tuple[str, ...]
    error: PlatformError

    def __str__(self) -> str:
        return str(self.error)


@dataclass(frozen=True)
class ExtractionSummary:
    """What a run extracted, a source each."""

    sources: tuple[Extracted, ...]
    failures: tuple[SystemFailure, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(one.problem for one in self.sources if one.problem is not None)

    @property
    def undeclared(self) -> tuple[UndeclaredItems, ...]:
        """All sources of a table read the same items, and one of them may have read more of its changes."""
        most: dict[tuple[str, str], UndeclaredItems] = {}
        for one in (one for source in self.sources for one in source.undeclared):
            known = most.get((one.table, one.kind))
            if known is None or known.items < one.items:
                most[one.table, one.kind] = one
        return summed(most.values())


@dataclass(frozen=True)
class Workplace:
    """Where extractions read and write, and who hears of their progress."""

    raw: Place
    work: Place
    scratch: Path
    on_point: OnPoint = lambda _: None
    on_rows: Callable[[str, int], None] = lambda _, __: None
    on_requests: Callable[[str, int, int], None] = lambda _, __, ___: None
    """Of a source, how many of the requests that it needs are answered; pages that an answer names come on top."""
    on_wait: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class ChosenDays:
    """Only rows whose watermark lies on these days: for what a person wants delivered again."""

    first: date
    last: date


Extractor = Callable[[Sequence[Source], Workplace, ChosenDays | None], list[Extracted]]
"""Extracts sources of one system, a result each. What is wrong with one source stops no other; a system that does not
answer raises."""


class HeldAsText(Exception):
    """These columns hold values that are none of their type, such as the date 0000-00-00: as text they can be written
    all the same, and ingestion rejects each such row by name."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(", ".join(columns))
        self.columns = frozenset(columns)


@dataclass(frozen=True)
class Everything:
    """Every row, in the order of the key."""


@dataclass(frozen=True)
class Since:
    """The rows whose watermark is not older than this one less the overlap, and those without one."""

    watermark: str
    overlap: timedelta


@dataclass(frozen=True)
class Between:
    """The rows whose watermark lies on one of these days."""

    first: date
    last: date


@dataclass(frozen=True)
class KeysOnly:
    """Of every row its key and its watermark."""


Part = Everything | Since | Between | KeysOnly


class SystemSnapshot(Protocol):
    """The state of a whole system at one moment, for as long as it is open."""

    @property
    def taken_at(self) -> datetime:
        """The moment, in UTC, by the system's own clock."""

    def shape(self, source: Source) -> str:
        """Changes whenever the table's columns or their types do. `ExtractionError` if the contract's table is not
        there, or a column without which nothing can be extracted."""

    def rows(self, source: Source, part: Part, as_text: frozenset[str]) -> Iterator[pa.RecordBatch]:
        """The rows under the names that files have, typed as the contract declares where each value can be held, and
        else as the system writes them. `as_text` are columns to be written as text in any case."""


class System(Protocol):
    """Something to extract from."""

    def snapshot(self) -> AbstractContextManager[SystemSnapshot]: ...
