"""Which services are connected."""

from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import new_table
from vending_platform.connections import Grant, why_ended


def connections_view(known: Mapping[str, Grant | None]) -> RenderableType:
    if not known:
        return Text("No services to connect are declared.", style="bold")
    table = new_table("service", "connected", "since", "by", "may")
    for name, grant in known.items():
        if grant is None:
            table.add_row(name, "not yet", "", "", "")
        elif grant.tokens is None:
            table.add_row(name, f"no longer: {why_ended(grant)}", "", "", "")
        else:
            since = f"{grant.connected_at:%Y-%m-%d %H:%M} UTC"
            table.add_row(name, "yes", since, grant.connected_by, " ".join(grant.scopes))
    return table
