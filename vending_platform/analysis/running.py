"""Runs a pipeline so that a function that fails takes with it what needs it, and nothing else.

Hamilton has an adapter for that too. It reports the function that failed as a success, and hands a value of one's
choice to the functions behind it; here a private mark takes the place of the value, no function is called with it, and
none leaves this module.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vending_platform.analysis.observing import FunctionNode, FunctionObserver
from vending_platform.analysis.pipeline import Pipeline, PipelineError, nothing_yet
from vending_platform.analysis.results import Analysed, FunctionCheck, MissingResult, TooFewRows


class BrokenCheck(Exception):
    """A check that must pass did not; the message is the check's own."""


@dataclass(frozen=True)
class _NoValue:
    """In the place of a value: why there is none, and which functions failed themselves."""

    reason: str
    failed: tuple[str, ...]
    is_skipped: bool
    is_early: bool


def analyse(
    pipeline: Pipeline,
    inputs: Mapping[str, Any],
    only: Iterable[str] | None = None,
    observers: Sequence[FunctionObserver] = (),
) -> Analysed:
    """The results of these functions, or of all. An input that is missing is a fault of the caller, and raised; what
    earlier runs have kept may be missing."""
    from hamilton.execution.graph_functions import execute_subdag
    from hamilton.lifecycle.base import LifecycleAdapterSet

    chosen = _chosen(pipeline, only)
    inputs = {**nothing_yet(pipeline), **inputs}
    needed = sorted({table for name in chosen for table in pipeline.tables_of(name)} - inputs.keys())
    if needed:
        raise PipelineError(f"{pipeline.name} needs {', '.join(needed)}, which it was not given")
    nodes = pipeline.graph.nodes
    functions = [pipeline.functions[name] for name in _with_needed(pipeline, chosen)]
    execution = _adapter()(pipeline, tuple(observers))
    computed = execute_subdag(
        [nodes[name] for function in functions for name in (*function.checks, function.name)],
        {name: inputs[name] for name in pipeline.tables if name in inputs},
        LifecycleAdapterSet(execution),
    )
    return Analysed(
        results={name: computed[name] for name in chosen if not isinstance(computed[name], _NoValue)},
        missing=tuple(_missing(functions, computed, set(chosen))),
        checks=tuple(_checks(pipeline, functions, computed)),
    )


def _adapter() -> Any:
    """The class is made when Hamilton is there to inherit from."""
    from hamilton.lifecycle.base import BaseDoNodeExecute

    class Execution(BaseDoNodeExecute):  # type: ignore[misc]  # Hamilton has no types
        """Computes each node's value, or why it has none."""

        def __init__(self, pipeline: Pipeline, observers: tuple[FunctionObserver, ...]) -> None:
            self._pipeline = pipeline
            self._observers = observers
            self._inputs: dict[str, Mapping[str, Any]] = {}

        def do_node_execute(
            self, *, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None = None
        ) -> Any:
            name = str(node_.name)
            function = self._pipeline.functions.get(name.removesuffix("_raw") if name not in self._known else name)
            lost = [value for value in kwargs.values() if isinstance(value, _NoValue)]
            if function is None:  # a check
                return lost[0] if lost else _called(node_, kwargs)
            if name == function.name and function.checks:
                return self._judged(function, kwargs, lost)
            if lost:
                return self._skipped(function, lost)
            return self._computed(function, node_, kwargs)

        @property
        def _known(self) -> Mapping[str, FunctionNode]:
            return self._pipeline.functions

        def _computed(self, function: FunctionNode, node: Any, inputs: dict[str, Any]) -> Any:
            self._inputs[function.name] = inputs
            for observer in self._observers:
                observer.started(function, inputs)
            try:
                result = node.callable(**inputs)
                if result is None:
                    raise TypeError("it returned nothing")
            except Exception as error:
                return self._failed(function, error)
            if not function.checks:
                self._completed(function, result)
            return result

        def _judged(self, function: FunctionNode, values: dict[str, Any], lost: list[_NoValue]) -> Any:
            if lost:
                return lost[0]
            for name, verdict in values.items():
                if name in function.checks and not verdict.passes and _must_pass(self._pipeline, name):
                    return self._failed(function, BrokenCheck(verdict.message))
            result = values[f"{function.name}_raw"]
            self._completed(function, result)
            return result

        def _completed(self, function: FunctionNode, result: Any) -> None:
            inputs = self._inputs.pop(function.name)
            for observer in self._observers:
                observer.completed(function, inputs, result)

        def _failed(self, function: FunctionNode, error: Exception) -> _NoValue:
            inputs = self._inputs.pop(function.name)
            for observer in self._observers:
                observer.failed(function, inputs, error)
            given = ", ".join(f"{name} ({_shape(value)})" for name, value in inputs.items()) or "nothing"
            what = f"a check failed ({error})" if isinstance(error, BrokenCheck) else _described(error)
            is_early = isinstance(error, TooFewRows)
            return _NoValue(f"{what}; it was given {given}", (function.name,), is_skipped=False, is_early=is_early)

        def _skipped(self, function: FunctionNode, lost: list[_NoValue]) -> _NoValue:
            failed = tuple(sorted({name for value in lost for name in value.failed}))
            for observer in self._observers:
                observer.skipped(function, failed)
            reason = f"it needs {' and '.join(failed)}, which failed"
            return _NoValue(reason, failed, is_skipped=True, is_early=all(value.is_early for value in lost))

    return Execution


def _called(node: Any, inputs: dict[str, Any]) -> Any:
    from hamilton.data_quality.base import ValidationResult

    try:
        return node.callable(**inputs)
    except Exception as error:  # a check that can't be executed has not passed
        return ValidationResult(False, f"it could not be checked: {_described(error)}")


def _must_pass(pipeline: Pipeline, check: str) -> bool:
    from hamilton.data_quality.base import DataValidationLevel, DataValidator

    defaults = pipeline.graph.nodes[check].callable.__defaults__ or ()
    validators = [value for value in defaults if isinstance(value, DataValidator)]
    return all(validator.importance is DataValidationLevel.FAIL for validator in validators)


def _chosen(pipeline: Pipeline, only: Iterable[str] | None) -> list[str]:
    results = pipeline.results
    if only is None:
        return results
    wanted = set(only)
    if unknown := sorted(wanted - set(results)):
        raise PipelineError(f"{pipeline.name} has no result {', '.join(unknown)}; there are: {', '.join(results)}")
    return [name for name in results if name in wanted]


def _with_needed(pipeline: Pipeline, chosen: Iterable[str]) -> list[str]:
    needed: set[str] = set()

    def add(name: str) -> None:
        if name in pipeline.functions and name not in needed:
            needed.add(name)
            for one in pipeline.functions[name].inputs:
                add(one)

    for name in chosen:
        add(name)
    return [name for name in pipeline.functions if name in needed]


def _missing(functions: list[FunctionNode], computed: Mapping[str, Any], chosen: set[str]) -> Iterator[MissingResult]:
    for function in functions:
        value = computed[function.name]
        if isinstance(value, _NoValue) and (function.name in chosen or not value.is_skipped):
            because = value.failed if value.is_skipped else ()
            yield MissingResult(function.name, value.reason, because, function.is_result, value.is_early)


def _checks(pipeline: Pipeline, functions: list[FunctionNode], computed: Mapping[str, Any]) -> Iterator[FunctionCheck]:
    for function in functions:
        for name in function.checks:
            if not isinstance(verdict := computed[name], _NoValue):
                check = name.removeprefix(f"{function.name}_")
                must = _must_pass(pipeline, name)
                yield FunctionCheck(function.name, check, bool(verdict.passes), must, verdict.message)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _shape(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2:
        return f"{shape[0]:,} rows × {shape[1]} columns"
    return type(value).__name__
