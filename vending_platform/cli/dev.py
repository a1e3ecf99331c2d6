"""The command that starts Dagster's UI on a laptop."""

from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import out
from vending_platform.cli.failures import errors_shown, refuse


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the UI listens, on this machine.")] = 3000,
) -> None:
    """Open everything in Dagster's UI, until Ctrl-C."""
    with errors_shown():
        settings = environment.load()
        if not settings.warehouse.is_local:
            refuse(f"this is the UI of a laptop, and the settings name {settings.name}")
        from vending_platform.orchestration import serve  # a second of imports, and few commands need them

        out.print(f"Dagster's UI will be at http://127.0.0.1:{port} in a moment. Ctrl-C ends it; the history stays.")
        serve(settings, port)
