"""What a run of a pipeline gives: the results that are there, what is missing and why, and what checks found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from vending_platform.errors import ConfigurationError
from vending_platform.warehouse import TableName


class TooFewRows(ConfigurationError):
    """A function has too little yet to compute something from. A person who asks for its result gets this message; a
    run that computes whatever it can leaves the result out and has not failed."""


@dataclass(frozen=True)
class MissingResult:
    """A function without a value: it raised, one of its checks failed, or it needs a function that has none."""

    function: str
    reason: str
    because_of: tuple[str, ...] = ()
    """The functions that failed themselves, where it is not this one."""
    is_result: bool = True
    is_early: bool = False
    """Only because there are too few rows yet."""

    def __str__(self) -> str:
        return f"{self.function} is missing: {self.reason}"


@dataclass(frozen=True)
class FunctionCheck:
    function: str
    check: str
    passed: bool
    must_pass: bool
    message: str


@dataclass(frozen=True)
class Analysed:
    results: Mapping[str, Any]
    missing: tuple[MissingResult, ...] = ()
    checks: tuple[FunctionCheck, ...] = field(default=())

    @property
    def is_whole(self) -> bool:
        return not self.missing

    @property
    def problem(self) -> str | None:
        """In one sentence what is missing and why."""
        if self.is_whole:
            return None
        return "; ".join(map(str, self.missing))

    @property
    def failure(self) -> str | None:
        """The same, without what is missing only because it is too early."""
        return "; ".join(str(one) for one in self.missing if not one.is_early) or None


@dataclass(frozen=True)
class ResultFiles:
    """One result as files, of every format."""

    place: str
    folder: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class ShownResult:
    """What people see of a result: figures, which are plotted from run to run, and a picture in Markdown."""

    figures: Mapping[str, float]
    picture: str


@dataclass(frozen=True)
class AnalysisRun:
    """A run of a pipeline, and where it has left its results, by their names."""

    analysed: Analysed
    rows_read: int
    days: tuple[date, ...] = ()
    """Of a pipeline that goes day by day."""
    tables: Mapping[str, TableName] = field(default_factory=dict)
    files: Mapping[str, ResultFiles] = field(default_factory=dict)
    delivered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The files in the raw place that are new."""
    shown: Mapping[str, ShownResult] = field(default_factory=dict)
