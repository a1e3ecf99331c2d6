"""The command that writes the dashboard as a folder for any web server."""

from pathlib import Path
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import out
from vending_platform.cli.failures import errors_shown
from vending_platform.opening import open_platform


def dashboard(
    into: Annotated[
        Path, typer.Option(file_okay=False, help="An empty folder, or one that an earlier `vending dashboard` wrote.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Only the exports with `audience: public`; nothing about quality.")
    ] = False,
) -> None:
    """Write the dashboard as a folder that any web server or bucket can serve. Works also while a run writes."""
    with errors_shown():
        from vending_platform.dashboard import write_dashboard
        from vending_platform.lineage import lineage_graph
        from vending_platform.status import read_quality

        platform = open_platform(environment.load())
        quality, _ = read_quality(platform)
        lineage = lineage_graph(platform.environment, platform.manifest, platform.catalog)
        written = write_dashboard(platform.context.storage.processed, quality, into, lineage=lineage, is_public=public)
        out.print(
            f"{written.tables} tables, {written.bytes / 1e6:.1f} MB, and the page are in {into}. Look at it:"
            f" python3 -m http.server --directory {into} --bind 127.0.0.1 8080"
        )
