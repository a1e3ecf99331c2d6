"""The words that dbt is called with. Pure, so that they can be tested without dbt."""

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date
from pathlib import Path

from vending_platform.catalog import Days
from vending_platform.transformation.staleness import Window

_MOST_DAYS = 400
"""More make a statement long, and spare little."""


def build_arguments(
    window: Window,
    *,
    shared: Mapping[str, Set[Days]],
    views: Iterable[str] = (),
    absent: Iterable[str] = (),
    unit_tests: bool = True,
    project_dir: Path,
    target_dir: Path,
    target: str,
    threads: int,
) -> list[str]:
    """`dbt build` for one window and the `views` that it reads, with their tests, but for those tests that also ask a
    model that is `absent`.

    `shared` are, per source, the days that share keys: no others have rows that need to be held against each other.

    Unit tests are about the project's code and not about a day's rows: they are asked once after it has changed.
    """
    names = dict.fromkeys([*sorted(views), *(model.name for model in window.models)])
    arguments = ["build", "--select", " ".join(names)]
    if absent := sorted(absent):
        arguments += ["--exclude", " ".join(absent)]
    if not unit_tests:
        arguments += ["--exclude-resource-type", "unit_test"]
    if (first := window.first_day) and (last := window.last_day):
        days: dict[str, object] = {"first_day": f"{first}", "last_day": f"{last}"}
        spans = {model.name: [f"{day}" for day in window.span(model)] for model in window.models if model.is_dated}
        others = {name: span for name, span in spans.items() if span != list(days.values())}
        days["days_that_share_keys"] = dict(_days_that_share_keys(shared, first, last))
        arguments += ["--vars", json.dumps(days | ({"windows": others} if others else {}))]
    return [*arguments, *_where(project_dir, target_dir), "--target", target, "--threads", str(threads)]


def test_arguments(
    tests: Iterable[str], days: Days | None, *, project_dir: Path, target_dir: Path, target: str, threads: int
) -> list[str]:
    """`dbt test` for these tests alone, about all that their models hold, or about these days of it."""
    arguments = ["test", "--select", " ".join(sorted(tests))]
    if days is not None:
        arguments += ["--vars", json.dumps({"first_day": f"{days[0]}", "last_day": f"{days[1]}"})]
    return [*arguments, *_where(project_dir, target_dir), "--target", target, "--threads", str(threads)]


def _days_that_share_keys(shared: Mapping[str, Set[Days]], first: date, last: date) -> Iterator[tuple[str, list[str]]]:
    """Per source, the days that have to do with the window. Of too many none is named, and all are compared."""
    for source, links in sorted(shared.items()):
        days = {day for link in links if any(first <= end <= last for end in link) for day in link}
        if len(days) <= _MOST_DAYS:
            yield source, [f"{day}" for day in sorted(days)]


def parse_arguments(*, known: Path | None, project_dir: Path, target_dir: Path, target: str) -> list[str]:
    """The manifest stays in memory: the build writes it down. `known` is what dbt kept of an earlier parse."""
    memory = ["--partial-parse-file-path", str(known)] if known else ["--no-partial-parse"]
    return ["parse", "--no-write-json", *memory, *_where(project_dir, target_dir), "--target", target]


def catalog_arguments(*, project_dir: Path, target_dir: Path, target: str) -> list[str]:
    """`dbt docs generate`: the catalog of what is in the warehouse, beside the manifest."""
    return ["docs", "generate", "--no-compile", *_where(project_dir, target_dir), "--target", target]


def connection_arguments(*, project_dir: Path, log_dir: Path, target: str) -> list[str]:
    """`dbt debug`: the profile is read and one statement asked."""
    return ["debug", "--connection", *_quietly(project_dir, log_dir), "--target", target]


def _where(project_dir: Path, target_dir: Path) -> list[str]:
    return [*_quietly(project_dir, target_dir), "--target-path", str(target_dir)]


def _quietly(project_dir: Path, log_dir: Path) -> list[str]:
    return [
        *("--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none"),
        *("--project-dir", str(project_dir), "--profiles-dir", str(project_dir), "--log-path", str(log_dir)),
    ]
