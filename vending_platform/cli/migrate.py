"""The command that changes the tables which an API keeps in its database."""

from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import NEEDS_A_PERSON, out
from vending_platform.cli.failures import errors_shown


def migrate(
    api: Annotated[str, typer.Argument(help="An API that environments.yml declares under `database_apis`.")],
    apply: Annotated[bool, typer.Option("--apply", help="Change them; without it they are only shown.")] = False,
) -> None:
    """Show what an API's tables still need, or with --apply change them. No service ever does this by itself."""
    with errors_shown():
        settings = environment.load()
        known = api_settings(settings, api)
        from vending_platform.service.mysql import apply_migrations, migrations_of, pending_migrations

        files = migrations_of(api)
        if apply:
            done = apply_migrations(api, known, settings.aws, files)
            out.print("\n".join(f"applied {one.name}" for one in done) or "Nothing was to be changed.")
            return
        pending = pending_migrations(api, known, settings.aws, files)
        for one in pending:
            typer.echo(f"-- {one.name}\n{one.sql}")
        if pending:
            out.print(f"{len(pending)} of {len(files)} are to be applied: vending migrate {api} --apply")
            raise typer.Exit(NEEDS_A_PERSON)
        out.print(f"All {len(files)} are applied.")


def api_settings(settings: environment.Environment, name: str) -> environment.DatabaseApiSettings:
    if name not in settings.database_apis:
        there_are = ", ".join(settings.database_apis) or "none"
        raise typer.BadParameter(f"{settings.domain} has no API {name!r} with tables; there are: {there_are}")
    return settings.database_apis[name]
