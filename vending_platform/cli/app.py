"""All commands, in the order of the help."""

from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.analyse import analyse
from vending_platform.cli.anonymise import anonymise
from vending_platform.cli.connect import connect
from vending_platform.cli.dashboard import dashboard
from vending_platform.cli.dev import dev
from vending_platform.cli.due import due
from vending_platform.cli.extract import extract
from vending_platform.cli.failures import errors_shown
from vending_platform.cli.generate import generate
from vending_platform.cli.keys import new_key
from vending_platform.cli.lake import lake
from vending_platform.cli.lineage import lineage
from vending_platform.cli.loads import check, ingest, replay
from vending_platform.cli.migrate import migrate
from vending_platform.cli.questions import doctor, quality, status, trace
from vending_platform.cli.run import run
from vending_platform.cli.serve import serve
from vending_platform.cli.watch import watch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From deliveries to trusted tables. Every command shows what it did and what needs a person.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something needs a person, 130 or 143 stopped.",
)


@app.callback()
def choose(
    domain: Annotated[
        str | None,
        typer.Option(help="Which domain: a name, or the folder of a dbt project. Default: VENDING_DOMAIN, or vending."),
    ] = None,
) -> None:
    if domain is not None:
        with errors_shown():
            environment.choose_domain(domain)


for command in (
    extract,
    connect,
    ingest,
    run,
    replay,
    check,
    status,
    quality,
    trace,
    watch,
    analyse,
    dashboard,
    serve,
    due,
    migrate,
    new_key,
    doctor,
    dev,
    generate,
    anonymise,
):
    app.command()(command)
app.add_typer(lineage, name="lineage")
app.add_typer(lake, name="lake")
