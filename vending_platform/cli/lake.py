"""Commands about the lake: what there is, its history, SQL over it, and its maintenance."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from vending_platform import environment, operations
from vending_platform.cli.consoles import err, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.observers import emitted
from vending_platform.cli.options import AsJson
from vending_platform.lake import Lake, open_lake
from vending_platform.opening import open_platform
from vending_platform.warehouse import TableName

if TYPE_CHECKING:  # a second of imports, which only `sql` needs
    from vending_platform.lake.sql import AsOf, Found

lake = typer.Typer(no_args_is_help=True, help="Iceberg tables: what there is, SQL over it, history, maintenance.")
Table = Annotated[str, typer.Argument(help="A table with its namespace, such as gold.mart_x.")]


class OutputFormat(StrEnum):
    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class Engine(StrEnum):
    DUCKDB = "duckdb"
    ATHENA = "athena"


@lake.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, such as: select count(*) from gold.mart_x")],
    as_of: Annotated[
        str | None, typer.Option(help="Read an earlier state: a snapshot's id, or a time such as 2024-03-15T12:00.")
    ] = None,
    form: Annotated[OutputFormat, typer.Option("--format", help="How the rows are written.")] = OutputFormat.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="The file to write; else the terminal.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="Who answers; by default Athena where a workgroup is declared.")
    ] = None,
) -> None:
    """Ask the lake. It reads, and can't change anything."""
    if form is OutputFormat.PARQUET and output is None:
        raise typer.BadParameter("parquet is not for a terminal: name a file with --output")
    with errors_shown():
        from vending_platform.cli.rows import WRITERS
        from vending_platform.cli.views.lake import cost_view, rows_view
        from vending_platform.lake.sql import parse_as_of

        opened = _opened()
        with _asking(opened, engine)(opened, query, parse_as_of(as_of) if as_of else None) as found:
            if form is OutputFormat.TABLE and output is None:
                out.print(rows_view(found))
            else:
                with _target(output) as file:
                    WRITERS[form](found.rows, file)
            err.print(cost_view(found))


@lake.command()
def tables(as_json: AsJson = False) -> None:
    """List the tables, with their rows, files and bytes."""
    with errors_shown():
        from vending_platform.cli.views.lake import tables_view
        from vending_platform.lake.history import tables as all_tables

        found = list(all_tables(_opened()))
        if as_json:
            _print_json([{"table": name.plain, **asdict(state)} for name, state in found])
        else:
            out.print(tables_view(found))


@lake.command()
def describe(table: Table, as_json: AsJson = False) -> None:
    """Show a table's columns, key, partitioning and place."""
    with errors_shown():
        from vending_platform.cli.views.lake import described_view
        from vending_platform.lake.history import describe as description_of

        described = description_of(_opened(), _named(table))
        if as_json:
            _print_json(asdict(described))
        else:
            out.print(described_view(described))


@lake.command()
def history(table: Table, as_json: AsJson = False) -> None:
    """List the snapshots of a table that can be read, the newest first."""
    with errors_shown():
        from vending_platform.cli.views.lake import history_view
        from vending_platform.lake.history import history as history_of

        entries = history_of(_opened(), _named(table))
        if as_json:
            _print_json([asdict(entry) for entry in entries])
        else:
            out.print(history_view(entries))


@lake.command()
def maintain(
    table: Annotated[list[str] | None, typer.Argument(help="Only these tables.")] = None, as_json: AsJson = False
) -> None:
    """Make few files of many small ones, let old snapshots go, and remove files that nothing needs."""
    with errors_shown():
        from vending_platform.cli.views.lake import maintained_view

        names = [_named(name) for name in table] if table else None
        with emitted(open_platform(environment.load()), "vending lake maintain") as platform:
            done = operations.maintain(platform, names)
        if as_json:
            _print_json([asdict(one) for one in done.tables])
        else:
            out.print(maintained_view(done.tables))


def _asking(opened: Lake, engine: Engine | None) -> "Callable[[Lake, str, AsOf], AbstractContextManager[Found]]":
    from vending_platform.lake.sql import query_lake

    has_athena = opened.settings.athena is not None
    if engine is Engine.DUCKDB or (engine is None and not has_athena):
        return query_lake
    if not has_athena:
        raise typer.BadParameter("--engine athena: this environment declares no workgroup as lake.athena")
    from vending_platform.lake.sql.athena import query_athena

    return query_athena


def _opened() -> Lake:
    return open_lake(environment.load())


def _named(table: str) -> TableName:
    namespace, _, name = table.partition(".")
    if not name:
        raise typer.BadParameter(f"{table!r} has no namespace; write it as gold.{table}")
    return TableName(namespace, name)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


@contextmanager
def _target(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with path.open("wb") as file:
            yield file
