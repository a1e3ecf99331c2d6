"""The command that makes an API key of the service."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import err
from vending_platform.cli.failures import errors_shown, refuse
from vending_platform.cli.migrate import api_settings


def new_key(
    holder: Annotated[str, typer.Argument(help="Who gets it: a program or a team, such as finance.")],
    permission: Annotated[
        list[str],
        typer.Option(
            "--may", help="read, run, download or connect; of another API read, write or manage. Several times."
        ),
    ] = ["read"],  # noqa: B006  # typer reads it, and never changes it
    api: Annotated[
        str | None, typer.Option(help="For another API that environments.yml declares under `database_apis`.")
    ] = None,
    acts_for: Annotated[
        str | None,
        typer.Option(help="The number of the only customer whose data it reaches."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long it is valid.")] = 365,
) -> None:
    """Make an API key for this environment's service: shown once, with the record to keep in its secret."""
    with errors_shown():
        settings = environment.load()
        from vending_platform.service.web import (
            Permission,
            api_keys,  # with FastAPI, which no other command needs
        )

        if unknown := sorted(set(permission) - set(Permission)):
            raise typer.BadParameter(f"{unknown[0]!r} is no permission; there are: {', '.join(Permission)}")
        if settings.aws is None:
            refuse("a laptop's service has no log-in: choose the environment that the key is for, by VENDING_ENV")
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
        allowed = frozenset(map(Permission, permission))
        secret = settings.aws.secrets.api_keys if api is None else api_settings(settings, api).keys_secret
        key, record = api_keys.new_key(holder, allowed, settings.domain, settings.name, ends, acts_for)
        err.print(f"The key, which is shown this once: give it to {holder}, by a way that no one else reads.")
        typer.echo(key)
        err.print(f"Its record, for the list `keys` in the secret {secret}; nothing in it can be turned into the key.")
        typer.echo(record.model_dump_json())
        err.print(f"A secret that is new needs a `session_key` too, such as {api_keys.new_session_key()}")
