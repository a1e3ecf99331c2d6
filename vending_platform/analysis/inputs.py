"""The tables that pipelines read: which columns they must have, and how files become such tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from vending_platform.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    Frames = Mapping[str, pl.DataFrame]
else:
    Frames = Mapping


class UnsuitableInput(ConfigurationError):
    """The message says what a table or a file lacks."""


@dataclass(frozen=True)
class InputTable:
    """The columns that are read of an input. A file has all of them as texts: the first function reads them as what
    they are."""

    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    history_of: str | None = None
    """The result of the same module whose rows of earlier runs these are; none before the first run."""
    is_needed: bool = True
    """Whether a function can do without; it then gets a table without rows."""

    @property
    def may_be_empty(self) -> bool:
        return self.history_of is not None or not self.is_needed

    def missing(self, names: Sequence[str]) -> list[str]:
        return [column for column in self.columns if column not in names]

    def wanted(self, names: Sequence[str]) -> list[str]:
        return [column for column in (*self.columns, *self.optional) if column in names]


def as_input(rows: pa.Table, table: InputTable, name: str) -> "pl.DataFrame":
    """The columns of a warehouse's rows that are read."""
    import polars as pl

    if missing := table.missing(rows.column_names):
        raise UnsuitableInput(f"{name} has no column {', '.join(missing)}: it has {', '.join(rows.column_names)}")
    frame = pl.from_arrow(rows.select(table.wanted(rows.column_names)))
    assert isinstance(frame, pl.DataFrame)  # of a table; only a single column becomes a series
    return frame


def read_files(paths: Sequence[Path], table: InputTable) -> "pl.DataFrame":
    """The rows of CSV or Parquet files, one below the other."""
    import polars as pl

    frames = [_read(path, table) for path in paths]
    return pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]


def _read(path: Path, table: InputTable) -> "pl.DataFrame":
    import polars as pl

    try:
        return _columns_of(path, path, table)
    except pl.exceptions.PolarsError as error:
        if "utf-8" in str(error).lower() and path.suffix.lower() != ".parquet":
            return _columns_of(_in_utf8(path), path, table)
        raise UnsuitableInput(f"{path} can't be read: {' '.join(str(error).split())}") from None


def _columns_of(source: Path | bytes, path: Path, table: InputTable) -> "pl.DataFrame":
    import polars as pl

    found = pl.scan_parquet(path) if path.suffix.lower() == ".parquet" else pl.scan_csv(source, infer_schema=False)
    names = found.collect_schema().names()
    if missing := table.missing(names):
        raise UnsuitableInput(f"{path} has no column {', '.join(missing)}: it has {', '.join(names)}")
    return found.select(table.wanted(names)).collect()


def _in_utf8(path: Path) -> bytes:
    try:
        return path.read_bytes().decode("cp932").encode()
    except UnicodeDecodeError:
        raise UnsuitableInput(f"{path} is neither UTF-8 nor CP932 text: save it as one of them") from None
