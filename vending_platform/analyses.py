"""Runs a domain's functions and keeps what they give, for a terminal, a Dagster run or a test alike; its observers hear
of each function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vending_platform import analysis
from vending_platform.analysis import (
    Analysed,
    AnalysisRun,
    Frames,
    FunctionReporter,
    InputsRead,
    Pipeline,
    ResultFiles,
    shape_of,
)
from vending_platform.exporting import write_table
from vending_platform.observers import Operation, observed
from vending_platform.opening import Platform
from vending_platform.storage import open_place
from vending_platform.warehouse import TableName


@dataclass(frozen=True)
class GivenFiles:
    """Inputs that are not read from the warehouse: the rows of these files."""

    frames: Frames
    paths: tuple[Path, ...]


def run_functions(
    platform: Platform,
    pipeline: Pipeline,
    inputs: Sequence[str] | GivenFiles,
    only: Sequence[str] | None = None,
    *,
    days: Sequence[date] = (),
    is_saved: bool = True,
    folder: Path | None = None,
) -> AnalysisRun:
    """The results of these functions, or of all that these inputs are enough for. They are saved as tables and, where
    that is declared, delivered; with files of every format in `folder`, or beside the exports. With `days` only their
    rows are read and replaced."""

    def work() -> AnalysisRun:
        frames = _read(platform, pipeline, inputs, days)
        paths = [str(path.absolute()) for path in inputs.paths] if isinstance(inputs, GivenFiles) else []
        shapes = {name: shape for name, rows in frames.items() if (shape := shape_of(rows, paths)) is not None}
        platform.report(InputsRead(pipeline, shapes))
        done = analysis.analyse(
            pipeline, frames, only or pipeline.results_of(frames), (FunctionReporter(platform.report),)
        )
        return AnalysisRun(
            done,
            rows_read=sum(shape.rows for shape in shapes.values()),
            days=tuple(days),
            tables=_saved(platform, pipeline, done, days) if is_saved else {},
            files=_written(platform, pipeline, done, days, folder) if is_saved or folder is not None else {},
            delivered=_delivered(platform, pipeline, done) if is_saved else {},
            shown={
                name: show(done.results[name], frames)
                for name, show in pipeline.shown.items()
                if is_saved and name in done.results
            },
        )

    return observed(platform.observers, Operation.ANALYSE, work)


def _read(
    platform: Platform, pipeline: Pipeline, inputs: Sequence[str] | GivenFiles, days: Sequence[date]
) -> Mapping[str, Any]:
    if isinstance(inputs, GivenFiles):
        return inputs.frames
    span = (min(days), max(days)) if days else None
    with platform.context.warehouse.reading() as reader:
        return analysis.read_tables(reader, platform.catalog, pipeline, inputs, span)


def _saved(platform: Platform, pipeline: Pipeline, done: Analysed, days: Sequence[date]) -> Mapping[str, TableName]:
    purpose = f"keeping the results of {pipeline.name}"
    with platform.context.warehouse.writing(purpose, platform.watcher.on_wait) as writer:
        analysis.save_tables(writer, pipeline, done.results, days or None)
    return {name: TableName(pipeline.schema_of(name), name) for name in done.results}


def _written(
    platform: Platform, pipeline: Pipeline, done: Analysed, days: Sequence[date], folder: Path | None
) -> Mapping[str, ResultFiles]:
    """Beside the exports a folder per schema; of days under the first and the last that were computed together."""
    found = {}
    for name, result in done.results.items():
        if folder is not None:
            where, below, stem = str(folder), name, name
            place = open_place(where)
        else:
            where, place = platform.environment.places.processed, platform.context.storage.processed
            below = f"{pipeline.schema_of(name)}/{name}"
            stem = f"{below}/{min(days)}_{max(days)}/{name}" if days else below
        found[name] = ResultFiles(where, below, tuple(write_table(place, stem, result.to_arrow())))
    return found


def _delivered(platform: Platform, pipeline: Pipeline, done: Analysed) -> Mapping[str, tuple[str, ...]]:
    raw, catalog = platform.context.storage.raw, platform.catalog
    return {
        name: tuple(analysis.deliver(raw, catalog, pipeline, {name: result}))
        for name, result in done.results.items()
        if name in pipeline.delivered
    }
