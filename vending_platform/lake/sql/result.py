"""What a query found, and what had to be read for it."""

from dataclasses import dataclass

import pyarrow as pa

_FEWEST_BYTES = 10_000_000
_DOLLARS_OF_A_TERABYTE = 5.0


@dataclass(frozen=True)
class Scanned:
    """What had to be read of a table: `files` of all its files."""

    table: str
    files: int
    of_files: int
    bytes: int


@dataclass(frozen=True)
class Billed:
    """What a service counts of a query."""

    bytes: int

    @property
    def dollars(self) -> float:
        """By the price of Athena in Tokyo; less than ten megabytes cost as much as ten."""
        return max(self.bytes, _FEWEST_BYTES) / 1e12 * _DOLLARS_OF_A_TERABYTE


@dataclass(frozen=True)
class Found:
    """The rows come as they are read; they can be read once."""

    rows: pa.RecordBatchReader
    scanned: tuple[Scanned, ...] = ()
    billed: Billed | None = None
