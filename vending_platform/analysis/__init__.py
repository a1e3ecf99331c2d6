"""Runs modules of pure typed functions as pipelines: the names of their arguments are the graph.

The functions are a domain's own, in `defs/<domain>/analysis/`. A pipeline's inputs are tables, its outputs the tables
that its functions return. Hamilton makes the graph; it is imported when a pipeline is loaded, and not before.
"""

from vending_platform.analysis.delivering import deliver
from vending_platform.analysis.inputs import Frames, InputTable, UnsuitableInput, as_input, read_files
from vending_platform.analysis.observing import (
    FrameShape,
    FunctionEnded,
    FunctionNode,
    FunctionObserver,
    FunctionReporter,
    FunctionStarted,
    InputsRead,
    shape_of,
)
from vending_platform.analysis.optional import NotInstalled, require
from vending_platform.analysis.pipeline import DEFAULT_SCHEMA, Pipeline, PipelineError, load_pipelines, together
from vending_platform.analysis.results import (
    Analysed,
    AnalysisRun,
    FunctionCheck,
    MissingResult,
    ResultFiles,
    ShownResult,
)
from vending_platform.analysis.running import analyse
from vending_platform.analysis.tables import read_tables, save_tables

__all__ = [
    "DEFAULT_SCHEMA",
    "Analysed",
    "AnalysisRun",
    "FrameShape",
    "Frames",
    "FunctionCheck",
    "FunctionEnded",
    "FunctionNode",
    "FunctionObserver",
    "FunctionReporter",
    "FunctionStarted",
    "InputTable",
    "InputsRead",
    "MissingResult",
    "NotInstalled",
    "Pipeline",
    "PipelineError",
    "ResultFiles",
    "ShownResult",
    "UnsuitableInput",
    "analyse",
    "as_input",
    "deliver",
    "load_pipelines",
    "read_files",
    "read_tables",
    "require",
    "save_tables",
    "shape_of",
    "together",
]
