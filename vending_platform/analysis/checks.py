"""What can be declared to hold for the table that a function returns."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import polars as pl
from hamilton.data_quality.base import DataValidator, ValidationResult

Importance = Literal["fail", "warn"]


class TableCheck(DataValidator):  # type: ignore[misc]  # Hamilton has no types
    """A rule about rows. Where it is broken the result is missing, unless its importance is "warn"."""

    _kind: str

    def __init__(self, columns: tuple[str, ...], importance: Importance) -> None:
        super().__init__(importance)
        self._columns = columns

    def applies_to(self, datatype: type[type]) -> bool:
        return issubclass(datatype, pl.DataFrame)

    @classmethod
    def name(cls) -> str:
        return cls._kind

    @abstractmethod
    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        """What is wrong, and in how many rows."""

    def validate(self, dataset: Any) -> ValidationResult:
        found = [(problem, count) for problem, count in self._broken(dataset) if count]
        message = "; ".join(f"{problem} in {count} of {dataset.height} rows" for problem, count in found)
        return ValidationResult(not found, message or self.description(), {"rows": sum(count for _, count in found)})


class NoNulls(TableCheck):
    _kind = "no_nulls"

    def __init__(self, *columns: str, importance: Importance = "fail") -> None:
        super().__init__(columns, importance)

    def description(self) -> str:
        return f"{', '.join(self._columns)} always have a value"

    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        return ((f"{column} has no value", rows[column].null_count()) for column in self._columns)


class Keys(TableCheck):
    """No two rows have the same values in all of these columns."""

    _kind = "keys"

    def __init__(self, *columns: str, importance: Importance = "fail") -> None:
        super().__init__(columns, importance)

    def description(self) -> str:
        return f"{', '.join(self._columns)} identify a row"

    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        keys = rows.select(self._columns)
        repeated = 0 if surely_distinct(keys) else rows.height - keys.n_unique()
        yield f"({', '.join(self._columns)}) is not unique", repeated


def surely_distinct(rows: pl.DataFrame) -> bool:
    """Whether no two rows are equal, by their hashes: a tenth of the time that comparing them takes. Two rows whose
    hashes are equal by chance may differ, so False leaves it open."""
    hashes = np.sort(rows.hash_rows().to_numpy())
    return not bool((hashes[1:] == hashes[:-1]).any())


class AtLeast(TableCheck):
    _kind = "at_least"

    def __init__(self, least: float, *columns: str, importance: Importance = "fail") -> None:
        super().__init__(columns, importance)
        self._least = least

    def description(self) -> str:
        return f"{', '.join(self._columns)} are at least {self._least:g}"

    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        for column in self._columns:
            yield f"{column} is less than {self._least:g}", int((rows[column] < self._least).sum())


class OneOf(TableCheck):
    _kind = "one_of"

    def __init__(self, column: str, *values: str, importance: Importance = "fail") -> None:
        super().__init__((column,), importance)
        self._values = values

    def description(self) -> str:
        return f"{self._columns[0]} is one of {', '.join(self._values)}"

    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        column = self._columns[0]
        yield f"{column} is none of {', '.join(self._values)}", int((~rows[column].is_in(self._values)).sum())


class NoneIs(TableCheck):
    """No row has this flag."""

    _kind = "none_is"

    def __init__(self, flag: str, importance: Importance = "fail") -> None:
        super().__init__((flag,), importance)

    def description(self) -> str:
        return f"no row {self._columns[0].replace('_', ' ')}"

    def _broken(self, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        yield self._columns[0].replace("_", " "), int(rows[self._columns[0]].sum())
