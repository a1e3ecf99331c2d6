"""Commands about where data comes from and goes to, and about the events that report it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import FAILED, NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown, refuse
from vending_platform.cli.options import AsJson
from vending_platform.cli.views import outbox_view, sent_view, way_view
from vending_platform.lineage import Direction, LineageGraph, WrongName, lineage_graph, outbox_state
from vending_platform.lineage import flush as send_waiting
from vending_platform.opening import open_platform

if TYPE_CHECKING:
    from vending_platform.analysis import Pipeline

lineage = typer.Typer(
    no_args_is_help=True, help="Show where data comes from and goes to, and the events that report it."
)


What = Annotated[str, typer.Argument(metavar="NAME", help="TABLE or TABLE.COLUMN, with a schema or without.")]
Indirect = Annotated[bool, typer.Option("--indirect", help="Also columns that only decide: in filters, joins, groups.")]


@lineage.command()
def upstream(what: What, indirect: Indirect = False, as_json: AsJson = False) -> None:
    """Show what a table or a column comes from, back to the delivered files.

    For example: vending lineage upstream MART.COLUMN
    """
    _show(what, Direction.UPSTREAM, indirect=indirect, as_json=as_json)


@lineage.command()
def downstream(what: What, indirect: Indirect = False, as_json: AsJson = False) -> None:
    """Show what changes if a table or a column does, as far as the exports."""
    _show(what, Direction.DOWNSTREAM, indirect=indirect, as_json=as_json)


@lineage.command()
def export() -> None:
    """Write all of it as JSON: tables with their columns, and from which to which."""
    with errors_shown():
        typer.echo(json.dumps(_graph().as_json(), ensure_ascii=False))


def _graph() -> LineageGraph:
    platform = open_platform(environment.load())
    return lineage_graph(platform.environment, platform.manifest, platform.catalog, _pipelines(platform.environment))


def _pipelines(of: environment.Environment) -> "list[Pipeline]":
    """None where Hamilton is not installed: then there are no results of functions."""
    from vending_platform import analysis

    try:
        return analysis.load_pipelines(f"vending_platform.defs.{of.domain}.analysis")
    except analysis.NotInstalled:
        return []


def _show(what: str, direction: Direction, *, indirect: bool, as_json: bool) -> None:
    with errors_shown():
        graph = _graph()
        try:
            point = graph.find(what)
        except WrongName as error:
            raise typer.BadParameter(str(error)) from None
        steps = list(graph.walk(point, direction, indirect=indirect))
        if as_json:
            typer.echo(json.dumps({"of": str(point), "steps": [step.as_json() for step in steps]}, ensure_ascii=False))
        else:
            out.print(way_view(point, steps, direction, unknown=len(graph.unknown) if point.column else 0))


@lineage.command()
def status(as_json: AsJson = False) -> None:
    """Show how many events wait to be sent, since when, and how the last attempt went."""
    with errors_shown():
        current = environment.load()
        if (state := outbox_state(current)) is None:
            refuse(f"{current.name} makes no lineage events: environments.yml declares lineage: null")
        if as_json:
            typer.echo(json.dumps(asdict(state)))
        else:
            out.print(outbox_view(state, datetime.now(UTC)))
        if state.needs_a_person:
            raise typer.Exit(NEEDS_A_PERSON)


@lineage.command()
def flush(
    refused: Annotated[bool, typer.Option("--refused", help="Also what the backend has refused before.")] = False,
) -> None:
    """Send the events that wait, now, and end those of runs whose process was killed."""
    with errors_shown():
        current = environment.load()
        sent = send_waiting(current, refused=refused)
        if sent is None:
            refuse(f"{current.name} makes no lineage events: environments.yml declares lineage: null")
        out.print(sent_view(sent))
        if sent.problem is not None:
            raise typer.Exit(FAILED)
        if sent.refused:
            raise typer.Exit(NEEDS_A_PERSON)
