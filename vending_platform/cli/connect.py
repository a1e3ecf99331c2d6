"""The command that connects a service behind OAuth 2, and shows what is connected."""

import time
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.accounts import check_account
from vending_platform.cli.consoles import FAILED, NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown, print_failure
from vending_platform.cli.views import connections_view
from vending_platform.connections import Grant, ServiceConnection, open_connection, open_connections
from vending_platform.connections.consent import LASTS
from vending_platform.storage import Place, open_place

_BETWEEN_LOOKS = 2.0
_WHO = "this machine"


def connect(
    service: Annotated[str | None, typer.Argument(help="One of `connections` in environments.yml.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Only show what is connected.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also if it is connected already.")] = False,
) -> None:
    """Connect a service that a person has to agree to: shows the link, waits, and says what is connected."""
    with errors_shown():
        settings = environment.load()
        check_account(settings)
        encryption, key = settings.encryption, settings.kms_key
        work = open_place(settings.places.work, settings.aws, encryption=encryption, kms_key=key)
        if status or service is None:
            if service is not None:
                raise typer.BadParameter("--status is about all services: leave the name out")
            known = {name: one.state() for name, one in open_connections(settings, work).items()}
            out.print(connections_view(known))
            if any(not _is_connected(grant) for grant in known.values()):
                raise typer.Exit(NEEDS_A_PERSON)
            return
        connection = open_connection(settings, service, work)
        if _is_connected(connection.state()) and not again:
            out.print(connections_view({service: connection.state()}))
            out.print("To connect it once more: --again")
            return
        if not _connected(connection, work, is_local=settings.aws is None):
            print_failure(f"{service} was not connected within {LASTS.total_seconds() / 60:.0f} minutes")
            raise typer.Exit(FAILED)
        out.print(connections_view({service: connection.state()}))


def _connected(connection: ServiceConnection, work: Place, *, is_local: bool) -> bool:
    if is_local:
        from vending_platform.connections.terminal import PortTaken, connect_here

        try:
            connect_here(connection, work, _WHO, lambda link: _show(link, connection.name))
            return True
        except PortTaken:
            out.print("The service runs on this machine, so its page does it.")
    return _connected_on_page(connection)


def _connected_on_page(connection: ServiceConnection) -> bool:
    """Whether someone has connected it there, as soon as it is seen."""
    before = connection.state()
    _show(connection.page, connection.name)
    ends = time.monotonic() + LASTS.total_seconds()
    while time.monotonic() < ends:
        now = connection.state()
        if _is_connected(now) and (before is None or now is None or now.connected_at != before.connected_at):
            return True
        time.sleep(_BETWEEN_LOOKS)
    return False


def _show(link: str, name: str) -> None:
    out.print(f"To connect {name}, open this in a browser; Ctrl-C stops waiting:")
    typer.echo(link)  # as one line, whatever the width of the terminal


def _is_connected(grant: Grant | None) -> bool:
    return grant is not None and grant.tokens is not None
