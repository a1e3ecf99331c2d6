"""Who hears of each function while a pipeline runs, such as lineage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vending_platform.analysis.results import TooFewRows

if TYPE_CHECKING:
    from vending_platform.analysis.pipeline import Pipeline


@dataclass(frozen=True)
class FunctionNode:
    """A function of a pipeline, as its module declares it."""

    name: str
    module: str
    inputs: tuple[str, ...]
    """The functions and tables whose values it takes."""
    description: str = ""
    is_result: bool = True
    """Whether its value is delivered; a part is only for other functions."""
    checks: tuple[str, ...] = ()


class FunctionObserver:
    """Each function is started and then completed or failed, or it is skipped because one before it failed. Overrides
    what it cares about. Of a function with checks it hears once, after the checks."""

    def started(self, function: FunctionNode, inputs: Mapping[str, Any]) -> None: ...

    def completed(self, function: FunctionNode, inputs: Mapping[str, Any], result: Any) -> None: ...

    def failed(self, function: FunctionNode, inputs: Mapping[str, Any], error: Exception) -> None: ...

    def skipped(self, function: FunctionNode, because: tuple[str, ...]) -> None: ...


@dataclass(frozen=True)
class FrameShape:
    """Of a table in memory. `files` are those that it was read from, where it is no table of the warehouse."""

    rows: int
    columns: Mapping[str, str]
    """Names and types."""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputsRead:
    """What the functions of a pipeline will be given."""

    pipeline: "Pipeline"
    shapes: Mapping[str, FrameShape]


@dataclass(frozen=True)
class FunctionStarted:
    name: str


@dataclass(frozen=True)
class FunctionEnded:
    """With the shape of its value, if that is a table; or with why it has none."""

    name: str
    shape: FrameShape | None = None
    problem: str | None = None
    is_early: bool = False
    """Only because there are too few rows yet."""


class FunctionReporter(FunctionObserver):
    """Reports to the operation's observers what became of each function, and nothing of its rows but their shape."""

    def __init__(self, report: Callable[[FunctionStarted | FunctionEnded], None]) -> None:
        self._report = report

    def started(self, function: FunctionNode, inputs: Mapping[str, Any]) -> None:
        self._report(FunctionStarted(function.name))

    def completed(self, function: FunctionNode, inputs: Mapping[str, Any], result: Any) -> None:
        self._report(FunctionEnded(function.name, shape_of(result)))

    def failed(self, function: FunctionNode, inputs: Mapping[str, Any], error: Exception) -> None:
        problem = f"{type(error).__name__}: {error}"
        self._report(FunctionEnded(function.name, problem=problem, is_early=isinstance(error, TooFewRows)))


def shape_of(value: Any, files: Sequence[str] = ()) -> FrameShape | None:
    """None of what is not a table."""
    if not hasattr(value, "schema"):
        return None
    return FrameShape(value.height, {name: str(kind) for name, kind in value.schema.items()}, tuple(files))
