"""Commands about where data comes from and goes to, and about the events that report it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import FAILED, NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown, refuse
from vending_platform.cli.options import AsJson
from vending_platform.cli.views import outbox_view, sent_view
from vending_platform.lineage import flush as send_waiting
from vending_platform.lineage import outbox_state

lineage = typer.Typer(
    no_args_is_help=True, help="Show where data comes from and goes to, and the events that report it."
)


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
