"""What a trace finds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Line:
    """A line of a file as it was read; what is personal is hidden."""

    number: int
    values: Mapping[str, str | None]
    is_peer: bool = False
    """It is behind rows that the row is compared with, not behind the row itself."""


@dataclass(frozen=True)
class TracedFile:
    """A delivery. `delivered_at` is the store's own time; both moments are Japan's."""

    source: str
    path: str
    sha256: str
    delivered_at: datetime
    loaded_at: datetime
    sender: str | None
    business_date: date | None
    rows: int
    rows_rejected: int
    rows_behind: int | None
    """How many of its rows are behind the number; None where all of it is, as far as is known."""
    rows_compared: int = 0
    """How many more are behind the rows that it is compared with."""
    lines: tuple[Line, ...] = ()
    quarantined_because: str | None = None
    """Then nothing of it is in the number."""
    package: str | None = None
    """Of which package it is, and which revision of it is loaded."""

    @property
    def is_peer(self) -> bool:
        """Whether it is named only because of what the row is compared with."""
        return self.rows_behind == 0 and self.rows_compared > 0


@dataclass(frozen=True)
class Trace:
    """Where rows of a model come from."""

    model: str
    rows: list[dict[str, Any]]
    """What is personal is hidden."""
    files: list[TracedFile]
    missing: list[TracedFile]
    """In quarantine: what they hold is not in the number."""
    is_stale: bool
    """The rows were built from an earlier state of these files."""
    lines_left_out: int = 0
    """Lines beyond the ten thousand that are listed."""
    notes: tuple[str, ...] = ()
    """Where the answer is not exact: a sentence each."""

    def as_json(self) -> str:
        """In ASCII as far as a name is not valid Unicode: a path may hold any bytes."""
        return (
            json.dumps(asdict(self), ensure_ascii=False, indent=1, default=str)
            .encode("utf-8", "backslashreplace")
            .decode()
        )
