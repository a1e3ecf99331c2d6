"""Commands that answer questions about what there is, and change nothing."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from vending_platform import environment
from vending_platform.cli.consoles import NEEDS_A_PERSON, err, out
from vending_platform.cli.failures import errors_shown, refuse
from vending_platform.cli.options import AsJson, check_known
from vending_platform.cli.views import diagnosis_view, quality_view, status_view, trace_view
from vending_platform.lineage import provenance
from vending_platform.opening import open_platform
from vending_platform.quality import report
from vending_platform.status import read_quality, read_status
from vending_platform.warehouse import WarehouseBusy


def status(
    verify: Annotated[bool, typer.Option("--verify", help="Read and hash every exported file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is loaded, and what is missing, broken or unexpected. Works also while a load is under way."""
    with errors_shown():
        platform = open_platform(environment.load())
        current = read_status(platform, verify=verify)
        if as_json:
            typer.echo(current.as_json())
        else:
            out.print(status_view(current))
        if current.needs_a_person:
            raise typer.Exit(NEEDS_A_PERSON)


def quality(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it stands for this business day.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this table or export, with its schema or without.")] = None,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write it as one HTML file, which opens from anywhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far the data can be trusted: scores, trends, and what does not pass. Works also while a run writes."""
    with errors_shown():
        platform = open_platform(environment.load())
        business_day = day.date() if day else None
        found, is_being_written = read_quality(platform, business_day)
        if found is not None and dataset is not None:
            known = {score.dataset for score in found.scores}
            check_known(sorted(known | {name.split(".")[-1] for name in known}), "dataset", [dataset])
        found = found.chosen(business_day, dataset) if found is not None else None
        if html is not None and found is not None:
            html.write_text(report(found), encoding="utf-8")
            err.print(f"Written: {html}")
        if as_json:
            typer.echo(found.as_json() if found is not None else "null")
        elif html is None or found is None:
            out.print(quality_view(found, is_being_written=is_being_written))
        if found is not None and any(score.failed for score in found.latest):
            raise typer.Exit(NEEDS_A_PERSON)


def trace(
    mart: Annotated[str, typer.Argument(help="A model, with its schema or without.")],
    which: Annotated[
        list[str],
        typer.Argument(
            help="Which rows of it: column=value. Short: day=, what a sender is called, a key without its last part."
        ),
    ],
    rows: Annotated[bool, typer.Option("--rows", help="Also the lines of these files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the raw files that a number comes from.

    For example: vending trace marts.MODEL COLUMN=VALUE day=2024-03-15
    """
    with errors_shown():
        conditions = [_condition(text) for text in which]
        platform = open_platform(environment.load())
        try:
            with platform.context.warehouse.reading() as reader:
                traced = provenance.trace(platform.catalog, reader, mart, conditions, with_lines=rows)
        except provenance.WrongQuestion as error:
            raise typer.BadParameter(str(error)) from None
        except WarehouseBusy:
            refuse("a load or a build is under way, and the warehouse can't be read meanwhile: try again later")
        if as_json:
            typer.echo(traced.as_json())
        else:
            out.print(trace_view(traced))


def _condition(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise typer.BadParameter(f"{text!r} is not a condition; write column=value, such as day=2024-03-15")
    return name, value


def doctor(as_json: AsJson = False) -> None:
    """Check whether all is there that this environment needs, and show how to fix what is not. Changes nothing."""
    with errors_shown():
        from vending_platform.doctor import Health, checks_of, examine  # half a second, and no other command needs it

        findings = []
        for finding in examine(checks_of(environment.load)):
            findings.append(finding)
            if not as_json:
                out.print(diagnosis_view(finding))
        if as_json:
            typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
        if any(finding.health is not Health.FINE for finding in findings):
            raise typer.Exit(NEEDS_A_PERSON)
