"""What a kind of system has to offer so that its data becomes deliveries: a snapshot, and the rows of a source in it.

`mysql.snapshot` is the example. Everything else (which rows are due, files, notes, crashes) is the same for all.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import pyarrow as pa

from vending_platform.catalog import Source
from vending_platform.errors import ConfigurationError, Unavailable


class ExtractionError(ConfigurationError):
    """What a contract names can't be extracted as the system is now; the message says what differs."""


class SystemUnavailable(Unavailable):
    """The system did not answer, or ended the query; another attempt may succeed."""


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
