"""The command that runs a domain's functions on a mart or on any files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vending_platform import environment
from vending_platform.cli.consoles import FAILED, err, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.observers import emitted
from vending_platform.cli.options import check_known

if TYPE_CHECKING:
    from vending_platform.analyses import GivenFiles
    from vending_platform.analysis import AnalysisRun, Pipeline


def analyse(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE_OR_MART...]", help="CSV or Parquet files with the columns, or marts; or all."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this result. Can be given several times.")] = None,
    into: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="Write each result here as CSV, JSON and Parquet.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the results as tables of the warehouse.")] = False,
    graph: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Draw the functions and what became of each, as one SVG file.")
    ] = None,
) -> None:
    """Run the domain's functions: what was cleaned, sums, quality, trends, the best days, forecasts. Needs no
    warehouse for files.

    If one function fails, all results that do not need it are there, and the command ends with 1.
    """
    with errors_shown():
        from vending_platform import analysis
        from vending_platform.analyses import GivenFiles
        from vending_platform.cli.views.analysed import analysed_view

        domain = environment.load().domain
        pipelines = analysis.load_pipelines(f"vending_platform.defs.{domain}.analysis")
        if not pipelines:
            raise analysis.PipelineError(
                f"{domain} has no functions: put a module of them into vending_platform/defs/{domain}/analysis"
            )
        pipeline = analysis.together(pipelines, domain)
        check_known(pipeline.results, "result", only or [])
        inputs = _inputs(pipeline, what or [], only)
        if isinstance(inputs, GivenFiles) and not save:
            done = analysis.analyse(pipeline, inputs.frames, only or pipeline.results_of(inputs.frames))
            rows = sum(frame.height for frame in inputs.frames.values())
            written = _written(done.results, into) if into is not None else None
        else:
            ran = _ran(pipeline, inputs, only, save, into)
            done, rows = ran.analysed, ran.rows_read
            paths = [path for files in ran.files.values() for path in files.paths]
            written = [into / path for path in paths] if into is not None else None
        out.print(analysed_view(done, rows, written, with_rows=bool(only)))
        if graph is not None:
            from vending_platform.analysis.drawing import draw

            graph.write_text(draw(pipeline, done), encoding="utf-8")
            err.print(f"Written: {graph}")
        if not done.is_whole:
            raise typer.Exit(FAILED)


def _inputs(pipeline: "Pipeline", what: list[str], only: list[str] | None) -> "GivenFiles | list[str]":
    """The table that these files are; or the names of the tables to read."""
    from vending_platform.analyses import GivenFiles
    from vending_platform.analysis import UnsuitableInput, read_files

    needed = [pipeline.tables_of(name) for name in only or pipeline.results]
    alone = sorted({table for tables in needed if len(tables) == 1 for table in tables})
    paths = [Path(name) for name in what]
    if paths and all(path.is_file() for path in paths):
        problems = []
        for table in alone:
            try:
                return GivenFiles({table: read_files(paths, pipeline.inputs[table])}, tuple(paths))
            except UnsuitableInput as problem:
                problems.append(str(problem))
        raise UnsuitableInput("; ".join(problems) or f"{', '.join(only or [])} needs several marts: leave out the file")
    if len(what) > 1 or any("/" in name or name.endswith((".csv", ".parquet")) for name in what):
        missing = next(str(path) for path in paths if not path.is_file())
        raise UnsuitableInput(f"there is no file {missing}")
    names = [name.rpartition(".")[2] for name in what] or sorted(set().union(*needed))
    check_known(alone if what else names, "mart that the functions take, nor a file,", names)
    return names


def _ran(
    pipeline: "Pipeline", inputs: "GivenFiles | list[str]", only: list[str] | None, save: bool, into: Path | None
) -> "AnalysisRun":
    """In the environment, which hears of it as of every run."""
    from vending_platform.analyses import run_functions
    from vending_platform.opening import open_platform

    failures: list[str] = []
    with emitted(open_platform(environment.load()), "vending analyse", problems=lambda: failures) as platform:
        ran = run_functions(platform, pipeline, inputs, only, is_saved=save, folder=into)
        failures += [ran.analysed.failure] if ran.analysed.failure is not None else []
    for table in ran.tables.values():
        err.print(f"Kept: {table.plain}")
    for path in (path for paths in ran.delivered.values() for path in paths):
        err.print(f"Delivered: {path}")
    return ran


def _written(results: Any, folder: Path) -> list[Path]:
    from vending_platform.exporting import write_table
    from vending_platform.storage import open_place

    place = open_place(str(folder))
    return [folder / path for name, rows in results.items() for path in write_table(place, name, rows.to_arrow())]
