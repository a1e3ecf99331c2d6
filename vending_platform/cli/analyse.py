"""The command that runs a domain's functions on a mart or on any files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vending_platform import environment
from vending_platform.cli.consoles import FAILED, err, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.options import check_known

if TYPE_CHECKING:
    from vending_platform.analysis import Pipeline


def analyse(
    what: Annotated[
        list[str], typer.Argument(metavar="FILE_OR_MART...", help="CSV or Parquet files with the columns, or a mart.")
    ],
    only: Annotated[list[str] | None, typer.Option(help="Only this result. Can be given several times.")] = None,
    into: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="Write each result here as CSV, JSON and Parquet.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Draw the functions and what became of each, as one SVG file.")
    ] = None,
) -> None:
    """Run the domain's functions: what was cleaned, sums, quality, trends, the best days. Needs no warehouse for files.

    If one function fails, all results that do not need it are there, and the command ends with 1.
    """
    with errors_shown():
        from vending_platform import analysis
        from vending_platform.cli.views.analysed import analysed_view

        domain = environment.load().domain
        pipelines = analysis.load_pipelines(f"vending_platform.defs.{domain}.analysis")
        if not pipelines:
            raise analysis.PipelineError(
                f"{domain} has no functions: put a module of them into vending_platform/defs/{domain}/analysis"
            )
        pipeline = analysis.together(pipelines, domain)
        check_known(pipeline.results, "result", only or [])
        table, rows = _input_of(pipeline, what, only)
        done = analysis.analyse(pipeline, {table: rows}, only or pipeline.results_of([table]))
        written = _written(done.results, into) if into is not None else None
        out.print(analysed_view(done, rows.height, written, with_rows=bool(only)))
        if graph is not None:
            from vending_platform.analysis.drawing import draw

            graph.write_text(draw(pipeline, done), encoding="utf-8")
            err.print(f"Written: {graph}")
        if not done.is_whole:
            raise typer.Exit(FAILED)


def _input_of(pipeline: "Pipeline", what: list[str], only: list[str] | None) -> tuple[str, Any]:
    """The table that these files or this mart are, and its rows."""
    from vending_platform.analysis import UnsuitableInput, as_input, read_files

    paths = [Path(name) for name in what]
    wanted = {table for name in only or pipeline.results for table in pipeline.tables_of(name)}
    if all(path.is_file() for path in paths):
        problems = []
        for table in sorted(wanted):
            try:
                return table, read_files(paths, pipeline.inputs[table])
            except UnsuitableInput as problem:
                problems.append(str(problem))
        raise UnsuitableInput("; ".join(problems))
    if len(what) > 1 or any(mark in what[0] for mark in "/."[:1]) or what[0].endswith((".csv", ".parquet")):
        missing = next(str(path) for path in paths if not path.is_file())
        raise UnsuitableInput(f"there is no file {missing}")
    name = what[0].rpartition(".")[2]
    check_known(sorted(wanted), "mart that the functions take, nor a file,", [name])
    return name, as_input(_mart(name, pipeline), pipeline.inputs[name], name)


def _mart(name: str, pipeline: "Pipeline") -> Any:
    from vending_platform.analysis import UnsuitableInput
    from vending_platform.opening import open_platform
    from vending_platform.warehouse import TableName, quoted

    platform = open_platform(environment.load())
    models = {model.name: model for model in platform.catalog.models}
    check_known(sorted(models), "mart", [name])
    table = TableName(models[name].schema_name, name)
    with platform.context.warehouse.reading() as reader:
        if not reader.has_table(table):
            raise UnsuitableInput(f"{table.plain} is not in the warehouse: build it with vending run")
        there = reader.query(f"select * from {table} limit 0").column_names
        wanted = pipeline.inputs[name].wanted(there) or there
        return reader.unloaded(f"select {', '.join(map(quoted, wanted))} from {table}")


def _written(results: Any, folder: Path) -> list[Path]:
    from vending_platform.exporting import write_table
    from vending_platform.storage import open_place

    place = open_place(str(folder))
    return [folder / path for name, rows in results.items() for path in write_table(place, name, rows.to_arrow())]
