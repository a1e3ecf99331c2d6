"""Who hears of an operation while it runs: a terminal, a run's log, the quality recorder, metrics.

Observers stand beside each other in a tuple. Each overrides what it cares about, and none knows of the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from vending_platform.analysis import AnalysisRun, FunctionEnded, FunctionStarted, InputsRead
from vending_platform.exporting import Exported
from vending_platform.extraction import ExtractionSummary
from vending_platform.ingestion import CrashPoint, Summary
from vending_platform.lake import Maintained
from vending_platform.transformation import BuildPlan, Finished, NodeStarted, Transformed, WindowDone


class Operation(StrEnum):
    EXTRACT = "extract"
    INGEST = "ingest"
    REPLAY = "replay"
    TRANSFORM = "transform"
    TEST = "test"
    EXPORT = "export"
    ANALYSE = "analyse"
    MAINTAIN = "maintain"


@dataclass(frozen=True)
class Waiting:
    """Another process writes to the warehouse."""

    holder: str


@dataclass(frozen=True)
class BytesRead:
    done: int
    total: int


@dataclass(frozen=True)
class RowsRead:
    """Of a source that is being extracted, so far."""

    source: str
    rows: int


@dataclass(frozen=True)
class RequestsAnswered:
    """Of a source that is extracted from a web API, of all that it needs."""

    source: str
    done: int
    total: int


@dataclass(frozen=True)
class Notice:
    """Something is done in another way than a person may expect."""

    text: str


OfFunctions = InputsRead | FunctionStarted | FunctionEnded
Progress = (
    Waiting
    | BytesRead
    | RowsRead
    | RequestsAnswered
    | CrashPoint
    | BuildPlan
    | NodeStarted
    | Finished
    | WindowDone
    | OfFunctions
    | Notice
)
"""A build plan comes before dbt starts, a node when dbt starts and when it finishes it, a window once it is in the
ledger; inputs are read before the first function starts."""
Result = ExtractionSummary | Summary | Transformed | list[Exported] | AnalysisRun | Maintained
AnyResult = TypeVar("AnyResult", ExtractionSummary, Summary, Transformed, list[Exported], AnalysisRun, Maintained)


class Observer:
    """Every operation is started, may report progress, and is then either completed or failed."""

    def started(self, operation: Operation) -> None: ...

    def progress(self, event: Progress) -> None: ...

    def completed(self, operation: Operation, result: Result) -> None: ...

    def failed(self, operation: Operation, error: Exception) -> None: ...


def observed(observers: Sequence[Observer], operation: Operation, work: Callable[[], AnyResult]) -> AnyResult:
    """What `work` gives, while these observers hear of it."""
    for observer in observers:
        observer.started(operation)
    try:
        result = work()
    except Exception as error:
        for observer in observers:
            observer.failed(operation, error)
        raise
    for observer in observers:
        observer.completed(operation, result)
    return result
