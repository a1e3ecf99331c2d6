"""The command that does what is due in an API's database: for a scheduler, as often as one likes."""

import importlib
import importlib.util
from typing import Annotated, Protocol, cast

import typer

from vending_platform import environment
from vending_platform.cli.consoles import NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.migrate import api_settings
from vending_platform.cli.views import due_view
from vending_platform.environment import AwsTarget, DatabaseApiSettings


class DoneWork(Protocol):
    @property
    def summary(self) -> str: ...

    @property
    def problems(self) -> list[str]: ...


class DueWork(Protocol):
    """What the module `due` of an API's package offers."""

    def do_due(self, name: str, settings: DatabaseApiSettings, aws: AwsTarget | None) -> DoneWork: ...


def due(
    api: Annotated[str, typer.Argument(help="An API that environments.yml declares under `database_apis`.")],
) -> None:
    """Do what is due in an API's database. Nothing is done twice, however often and by how many this is started."""
    with errors_shown():
        settings = environment.load()
        known = api_settings(settings, api)
        name = f"vending_platform.service.{api}.due"
        if importlib.util.find_spec(name) is None:
            raise typer.BadParameter(f"nothing is ever due in the API {api!r}")
        work = cast("DueWork", importlib.import_module(name))
        done = work.do_due(api, known, settings.aws)
        out.print(due_view(done.summary, done.problems))
        if done.problems:
            raise typer.Exit(NEEDS_A_PERSON)
