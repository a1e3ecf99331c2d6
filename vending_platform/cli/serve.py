"""The command that serves the pipeline's API and its dashboard, or another API of the domain."""

import importlib.util
import os
import sys
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import out
from vending_platform.cli.failures import errors_shown, refuse

PIPELINE = "pipeline"


def no_such_api(settings: environment.Environment, name: str) -> str:
    there_are = ", ".join([PIPELINE, *settings.database_apis])
    return f"{settings.domain} has no API {name!r}; there are: {there_are}"


def serve(
    api: Annotated[
        str,
        typer.Argument(help="Another API of `database_apis` in environments.yml, instead of the dashboard's."),
    ] = PIPELINE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 8000,
    host: Annotated[
        str, typer.Option(help="On which address; a laptop's service is for this machine only.")
    ] = "127.0.0.1",
) -> None:
    """Open the dashboard and its API, until Ctrl-C; on a laptop with Dagster beside it."""
    with errors_shown():
        settings = environment.load()
        if api != PIPELINE and api not in settings.database_apis:
            raise typer.BadParameter(no_such_api(settings, api))
        if missing := [name for name in ("fastapi", "uvicorn", "jwt") if importlib.util.find_spec(name) is None]:
            refuse(
                f"the service needs {', '.join(missing)}, which the extra brings:"
                " pip install 'vending-platform[service]'"
            )
        what = "The dashboard" if api == PIPELINE else f"The API {api}"
        out.print(f"{what} will be at http://{host}:{port} in a moment. Ctrl-C ends it.")
        sys.stdout.flush()
        # A process of its own: a server ends in its own way, finishing what it has begun.
        words = ["-m", "vending_platform.service", api, "--host", host, "--port", str(port)]
        os.execv(sys.executable, [sys.executable, *words])
