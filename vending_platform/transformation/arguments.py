"""The words that dbt is called with. Pure, so that they can be tested without dbt."""

import json
from collections.abc import Iterable
from pathlib import Path

from vending_platform.transformation.staleness import Window


def build_arguments(
    window: Window,
    *,
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

    Unit tests are about the project's code and not about a day's rows: they are asked once after it has changed.
    """
    names = dict.fromkeys([*sorted(views), *(model.name for model in window.models)])
    arguments = ["build", "--select", " ".join(names)]
    if absent := sorted(absent):
        arguments += ["--exclude", " ".join(absent)]
    if not unit_tests:
        arguments += ["--exclude-resource-type", "unit_test"]
    if window.first_day is not None and window.last_day is not None:
        days: dict[str, object] = {"first_day": f"{window.first_day}", "last_day": f"{window.last_day}"}
        spans = {model.name: [f"{day}" for day in window.span(model)] for model in window.models if model.is_daily}
        others = {name: span for name, span in spans.items() if span != list(days.values())}
        arguments += ["--vars", json.dumps(days | ({"windows": others} if others else {}))]
    return [*arguments, *_where(project_dir, target_dir), "--target", target, "--threads", str(threads)]


def parse_arguments(*, project_dir: Path, target_dir: Path, target: str) -> list[str]:
    """The manifest stays in memory: the build writes it down."""
    return ["parse", "--no-write-json", *_where(project_dir, target_dir), "--target", target]


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
