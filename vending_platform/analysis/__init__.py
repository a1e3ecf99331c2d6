"""Runs modules of pure typed functions as pipelines: the names of their arguments are the graph.

The functions are a domain's own, in `defs/<domain>/analysis/`. A pipeline's inputs are tables, its outputs the tables
that its functions return. Hamilton makes the graph; it is imported when a pipeline is loaded, and not before.
"""

from vending_platform.analysis.delivering import deliver
from vending_platform.analysis.inputs import Frames, InputTable, UnsuitableInput, as_input, read_files
from vending_platform.analysis.observing import FunctionNode, FunctionObserver
from vending_platform.analysis.optional import NotInstalled, require
from vending_platform.analysis.pipeline import Pipeline, PipelineError, load_pipelines, together
from vending_platform.analysis.results import Analysed, FunctionCheck, MissingResult
from vending_platform.analysis.running import analyse
from vending_platform.analysis.tables import read_tables, save_tables

__all__ = [
    "Analysed",
    "Frames",
    "FunctionCheck",
    "FunctionNode",
    "FunctionObserver",
    "InputTable",
    "MissingResult",
    "NotInstalled",
    "Pipeline",
    "PipelineError",
    "UnsuitableInput",
    "analyse",
    "as_input",
    "deliver",
    "load_pipelines",
    "read_files",
    "read_tables",
    "require",
    "save_tables",
    "together",
]
