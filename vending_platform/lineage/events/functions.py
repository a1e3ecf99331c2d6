"""Events of a domain's functions: each is a run within the analysis, from the tables that it takes to its own.

The run of a result ends when its table, its files and its deliveries are there; that of a part, which is not kept, ends
with the function.
"""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from vending_platform.analysis import DEFAULT_SCHEMA, AnalysisRun, FrameShape, FunctionEnded, InputsRead, Pipeline
from vending_platform.lineage.events.column_facets import columns_facet
from vending_platform.lineage.events.datasets import DatasetName, data_source, file_name
from vending_platform.lineage.events.facets import Facets, facets, nominal_time
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.runs import Dataset, LineageRun
from vending_platform.lineage.outbox import EventType as State


class FunctionEvents:
    """Of one analysis."""

    def __init__(self, within: LineageRun, knowledge: Knowledge, read: InputsRead) -> None:
        self._within, self._knowledge = within, knowledge
        self._pipeline: Pipeline = read.pipeline
        self._shapes: dict[str, FrameShape] = dict(read.shapes)
        self._open: dict[str, LineageRun] = {}
        self._ended_at: dict[str, datetime] = {}
        self._done = 0

    @property
    def progress(self) -> tuple[int, int]:
        """How many functions have ended, of how many."""
        return self._done, len(self._pipeline.functions)

    def started(self, name: str, now: datetime) -> list[dict[str, Any]]:
        function = self._pipeline.functions[name]
        inputs = [self._input(table) for table in sorted(self._pipeline.kept_behind(name))]
        module = function.module.rpartition(".")[2]
        run = self._within.part(f"function.{module}.{name}", job_facets=self._of_code(name), inputs=tuple(inputs))
        self._open[name] = run
        return [run.event(State.START, now)]

    def ended(self, done: FunctionEnded, now: datetime) -> list[dict[str, Any]]:
        """The end of what is over with the function itself; a result is not, as it has yet to be kept. Too few rows
        are no failure of the function: it was stopped before it could do anything."""
        self._done += 1
        if done.shape is not None:
            self._shapes[done.name] = done.shape
        if done.problem is None and self._pipeline.functions[done.name].is_result:
            self._ended_at[done.name] = now
            return []
        run = self._open.pop(done.name)
        problem = self._knowledge.message(done.problem) if done.problem is not None else None
        failed = State.ABORT if done.is_early else State.FAIL
        return [run.event(State.COMPLETE if problem is None else failed, now, problem)]

    def kept(self, done: AnalysisRun) -> list[dict[str, Any]]:
        """The ends of all results, which are where they should be now."""
        return [self._of_result(name, run, done) for name, run in self._open.items()]

    def aborted(self, now: datetime, problem: str) -> list[dict[str, Any]]:
        """The ends of all that is open when the analysis itself fails."""
        events = [run.event(State.ABORT, now, problem) for run in self._open.values()]
        self._open.clear()
        return events

    def _of_result(self, name: str, run: LineageRun, done: AnalysisRun) -> dict[str, Any]:
        tests = [
            {
                "name": check.check,
                "status": "pass" if check.passed else "fail",
                "severity": "error" if check.must_pass else "warn",
                "type": check.check.removeprefix(f"{name}_"),
            }
            for check in done.analysed.checks
            if check.function == name
        ]
        ended = run.with_results(
            outputs=self._outputs(name, done),
            run_facets=facets(
                nominalTime=nominal_time(done.days),
                test={"tests": tests} if tests else None,
            ),
        )
        return ended.event(State.COMPLETE, self._ended_at[name])

    def _input(self, name: str) -> Dataset:
        shape = self._shapes.get(name)
        place = self._name_of(name)
        statistics = facets(inputStatistics={"rowCount": shape.rows}) if shape is not None else {}
        node = self._knowledge.model_named(name)
        if node is not None and (shape is None or not shape.files):
            return self._knowledge.datasets.input(node, statistics)
        kind = "FILE" if shape is not None and shape.files else "TABLE"
        return {**place._asdict(), "facets": self._of_shape(shape, place, kind), "inputFacets": statistics}

    def _name_of(self, name: str) -> DatasetName:
        """Of a table of the project, of files that a person gave, or of what functions have kept."""
        datasets, shape = self._knowledge.datasets, self._shapes.get(name)
        if shape is not None and shape.files:
            path = Path(shape.files[0])
            return DatasetName("file", str(path if len(shape.files) == 1 else path.parent))
        if (node := self._knowledge.model_named(name)) is not None:
            return datasets.table(node)
        table = self._pipeline.inputs[name].history_of or name if name in self._pipeline.inputs else name
        schema = self._pipeline.schema_of(table) if table in self._pipeline.functions else DEFAULT_SCHEMA
        return datasets.table_named(schema, table)

    def _outputs(self, name: str, done: AnalysisRun) -> Iterator[Dataset]:
        shape, datasets = self._shapes[name], self._knowledge.datasets
        statistics = {"rowCount": shape.rows}
        if (table := done.tables.get(name)) is not None:
            place = datasets.table_named(table.schema, table.name)
            yield self._output(name, place, "TABLE", statistics)
        if (files := done.files.get(name)) is not None:
            place = file_name(files.place, files.folder)
            yield self._output(name, place, "FILE", {**statistics, "fileCount": len(files.paths)})
        if paths := done.delivered.get(name, ()):
            source = self._knowledge.catalog.source(self._pipeline.delivered[name])
            counts = facets(outputStatistics={**statistics, "fileCount": len(paths)})
            yield datasets.delivered(source, paths, counts, {"columnLineage": self._columns_read(name)})

    def _output(self, name: str, place: DatasetName, kind: str, statistics: Mapping[str, int]) -> Dataset:
        own = {**self._of_shape(self._shapes[name], place, kind), "columnLineage": self._columns_read(name)}
        return {**place._asdict(), "facets": own, "outputFacets": facets(outputStatistics=statistics)}

    def _columns_read(self, name: str) -> Mapping[str, Any]:
        """What the signature says, and no more: the function is given these columns, and any of them may decide on
        any of its values. What it does with them is not known, so there is no kind of transformation."""
        given = (
            {**self._name_of(table)._asdict(), "field": column if shape.files else self._shown(column)}
            for table in sorted(self._pipeline.kept_behind(name))
            if (shape := self._shapes.get(table)) is not None
            for column in shape.columns
        )
        return columns_facet({}, given)

    def _shown(self, column: str) -> str:
        return self._knowledge.datasets.column(column)

    def _of_shape(self, shape: FrameShape | None, place: DatasetName, kind: str) -> Facets:
        columns = shape.columns if shape is not None else {}
        fields = [
            {"name": self._shown(name) if kind == "TABLE" else name, "type": form} for name, form in columns.items()
        ]
        return facets(
            schema={"fields": fields} if fields else None,
            datasetType={"datasetType": kind},
            dataSource=data_source(place.namespace),
        )

    def _of_code(self, name: str) -> Facets:
        function = self._pipeline.functions[name]
        file = Path(inspect.getsourcefile(importlib.import_module(function.module)) or "")
        location = {
            "type": "git",
            "url": file.absolute().as_uri(),
            "path": f"{function.module.replace('.', '/')}.py",
            "version": self._knowledge.environment.revision,
        }
        text = " ".join(function.description.split())
        return {
            **self._knowledge.job_facets("FUNCTION"),
            **facets(
                sourceCodeLocation=location,
                documentation_of_job={"description": text} if text else None,
            ),
        }
