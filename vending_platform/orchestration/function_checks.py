"""Checks of functions' results that warn: the result is there, and a person should know that it is not as usual.

What must pass and does not fails its run, and that is an alert already.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from vending_platform.alerts import Finder, Problem, ProblemKind
from vending_platform.orchestration.names import FUNCTIONS_OF
from vending_platform.orchestration.run_problems import Links


def warning_finder(history: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], links: Links) -> Finder:
    """Of these checks those whose last execution did not pass."""
    return Finder(
        "checks of functions", frozenset({ProblemKind.RESULT}), lambda: list(_warnings(history, checks, links))
    )


def checks_of_functions(repository: dg.RepositoryDefinition) -> list[dg.AssetCheckKey]:
    assets = {made for made in repository.assets_defs_by_key.values() if made.op.name.startswith(FUNCTIONS_OF)}
    return sorted(key for made in assets for key in made.check_keys)


def _warnings(history: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], links: Links) -> Iterator[Problem]:
    latest = history.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    for key in checks:
        record = latest.get(key)
        event = record.event.dagster_event if record is not None and record.event is not None else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        found = event.asset_check_evaluation_data
        if found.passed or found.severity is not dg.AssetCheckSeverity.WARN:
            continue
        name = key.asset_key.to_user_string()
        yield Problem(
            ProblemKind.RESULT,
            f"{name} {key.name}",
            what=f"A check of {name} warns",
            where=f"asset {name}, check {key.name}",
            why=found.description or "",
            what_to_do="Look at the asset's picture and rows. What was not as usual is left out by itself where it can"
            " be; see whether its inputs are whole, and run it again.",
            link=links.asset(*key.asset_key.path),
        )
