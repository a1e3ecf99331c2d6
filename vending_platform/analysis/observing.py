"""Who hears of each function while a pipeline runs, such as lineage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
