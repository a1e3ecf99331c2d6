"""A module of functions as a pipeline: its graph, its inputs, its results."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import ModuleType
from typing import Any

import pyarrow as pa

from vending_platform.analysis.inputs import Frames, InputTable, as_input
from vending_platform.analysis.observing import FunctionNode
from vending_platform.analysis.optional import require_hamilton
from vending_platform.analysis.results import ShownResult
from vending_platform.errors import ConfigurationError

_INPUTS, _EACH_DAY, _SCHEMA, _PART = "INPUTS", "EACH_DAY", "SCHEMA", "part"
_DELIVERED, _HISTORY, _SHOWN = "DELIVERED", "HISTORY", "SHOWN"
DEFAULT_SCHEMA = "analysis"
"""Where results are kept, unless their module has another one."""
_RAW = "_raw"
"""What Hamilton appends to the name of a function that has checks."""
_FOR_DAGSTER = "definitions"
"""The module in which Dagster would find definitions; importing it would import Dagster."""
_CHECKED_FUNCTION = "hamilton.data_quality.source_node"


class PipelineError(ConfigurationError):
    """The message says which module or function is wrong."""


@dataclass(frozen=True)
class Pipeline:
    """Modules of functions. `each_day` means that the rows of a day's results depend on that day's input rows alone."""

    name: str
    modules: tuple[ModuleType, ...]
    inputs: Mapping[str, InputTable]
    each_day: bool

    @cached_property
    def graph(self) -> Any:
        """Hamilton's own, of all its nodes."""
        from hamilton.graph import FunctionGraph

        try:
            return FunctionGraph.from_modules(*self.modules, config={})
        except Exception as error:  # it raises whatever it likes about what a person wrote
            raise PipelineError(f"the functions of {self.name} are not a pipeline: {_first_line(error)}") from error

    @cached_property
    def functions(self) -> Mapping[str, FunctionNode]:
        """By name, each after those that it needs."""
        nodes = self.graph.nodes
        found: dict[str, FunctionNode] = {}

        def add(name: str) -> None:
            node = nodes[name]
            if name in found or node.user_defined:
                return
            source = nodes.get(name + _RAW) if any(d.name == name + _RAW for d in node.dependencies) else node
            needed = tuple(dependency.name for dependency in source.dependencies)
            for one in needed:
                add(one)
            checks = tuple(d.name for d in node.dependencies if d.tags.get(_CHECKED_FUNCTION) == name)
            module = node.originating_functions[0].__module__ if node.originating_functions else self.name
            text = inspect.cleandoc(node.documentation or "")
            found[name] = FunctionNode(name, module, needed, text, _PART not in source.tags, checks)

        for name in sorted(self._function_names):
            add(name)
        return found

    @cached_property
    def _function_names(self) -> set[str]:
        nodes = self.graph.nodes.values()
        checked = {node.tags[_CHECKED_FUNCTION] for node in nodes if _CHECKED_FUNCTION in node.tags}
        return {
            node.name
            for node in nodes
            if not node.user_defined
            and _CHECKED_FUNCTION not in node.tags
            and node.name.removesuffix(_RAW) not in checked - {node.name}
        }

    @property
    def results(self) -> list[str]:
        return [function.name for function in self.functions.values() if function.is_result]

    @property
    def tables(self) -> list[str]:
        """The inputs that come from elsewhere."""
        return sorted(node.name for node in self.graph.nodes.values() if node.user_defined)

    def tables_of(self, function: str) -> set[str]:
        """The inputs that a function's value depends on."""
        found: set[str] = set()
        for name in self.functions[function].inputs:
            found |= self.tables_of(name) if name in self.functions else {name}
        return found

    def kept_behind(self, function: str) -> set[str]:
        """The nearest tables and results that a function's value is made of; parts between them are kept nowhere."""
        found: set[str] = set()
        for name in self.functions[function].inputs:
            is_part = name in self.functions and not self.functions[name].is_result
            found |= self.kept_behind(name) if is_part else {name}
        return found

    def schema_of(self, function: str) -> str:
        """The schema in which a function's result is kept."""
        module = next(module for module in self.modules if module.__name__ == self.functions[function].module)
        return str(getattr(module, _SCHEMA, DEFAULT_SCHEMA))

    def is_history(self, table: str) -> bool:
        """Whether an input is what earlier runs have kept of a result."""
        return table in self.inputs and self.inputs[table].history_of is not None

    @cached_property
    def delivered(self) -> Mapping[str, str]:
        """Results that also come back as deliveries, and of which source."""
        return self._declared(_DELIVERED)

    @cached_property
    def histories(self) -> Mapping[str, str]:
        """Results whose tables keep the rows of earlier runs, and the column by which a run replaces its own."""
        return self._declared(_HISTORY)

    @cached_property
    def shown(self) -> Mapping[str, Callable[[Any, Mapping[str, Any]], ShownResult]]:
        """Results of which people see more than their rows, each with what makes that of the result and the inputs."""
        return self._declared(_SHOWN)

    def _declared(self, constant: str) -> dict[str, Any]:
        return {name: value for module in self.modules for name, value in getattr(module, constant, {}).items()}

    def results_of(self, tables: Iterable[str]) -> list[str]:
        """The results that need no other tables than these, and what earlier runs have kept."""
        there = {*tables, *(name for name, table in self.inputs.items() if table.may_be_empty)}
        return [name for name in self.results if self.tables_of(name) <= there]

    @cached_property
    def code_version(self) -> str:
        """Changes when the modules do."""
        sources = "".join(inspect.getsource(module) for module in self.modules)
        return sha256(sources.encode()).hexdigest()[:16]


def nothing_yet(pipeline: Pipeline) -> Frames:
    """The inputs without rows that need not be there: of earlier runs before there was one, and of what a function can
    do without."""
    tables = {name: table for name, table in pipeline.inputs.items() if table.may_be_empty}
    return {
        name: as_input(pa.table({column: pa.nulls(0) for column in table.columns}), table, name)
        for name, table in tables.items()
    }


def pipeline_of(*modules: ModuleType, name: str | None = None) -> Pipeline:
    """These modules as one pipeline. What one of them declares as an input and another makes is not an input."""
    require_hamilton()
    inputs: dict[str, InputTable] = {}
    for module in modules:
        inputs |= getattr(module, _INPUTS, {})
    named = name or modules[-1].__name__.rpartition(".")[2]
    pipeline = Pipeline(named, modules, inputs, all(getattr(module, _EACH_DAY, False) for module in modules))
    if undeclared := [table for table in pipeline.tables if table not in inputs]:
        raise PipelineError(
            f"{pipeline.name} takes {', '.join(undeclared)}, which no function makes and {_INPUTS} does not declare"
        )
    return pipeline


def load_pipelines(package: str) -> list[Pipeline]:
    """A pipeline of each module of the package that has functions; none where there is no such package."""
    try:
        found = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is not None and package.startswith(error.name):
            return []
        raise
    require_hamilton()
    modules = [importlib.import_module(f"{package}.{name}") for name in _modules_in(found)]
    return [pipeline_of(module) for module in modules if hasattr(module, _INPUTS)]


def together(pipelines: Sequence[Pipeline], name: str) -> Pipeline:
    """All of their functions as one pipeline, in which the results of one are the inputs of another."""
    return pipeline_of(*(module for pipeline in pipelines for module in pipeline.modules), name=name)


def _modules_in(package: ModuleType) -> list[str]:
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in names if not name.startswith("_") and name != _FOR_DAGSTER)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
