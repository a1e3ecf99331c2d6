"""dbt in this process, on the project's files, with a warehouse of its own and its by-products out of the way."""

import json
import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

from dbt.cli.main import dbtRunner

from vending_platform.environment import DBT_PROJECT_DIR


@dataclass
class Dbt:
    folder: Path
    """Holds dbt_dev.duckdb, and what dbt leaves behind."""
    manifest: Any = field(default=None, repr=False)
    """Parsing takes seconds: the fixture `parsed` has it."""
    select: str = "*"
    """What is run and built by default."""
    project: Path = DBT_PROJECT_DIR

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def run(
        self,
        first_day: date | None = None,
        last_day: date | None = None,
        *,
        full_refresh: bool = False,
        select: str = "",
    ) -> None:
        how = ["--full-refresh"] if full_refresh else []
        self("run", "--select", select or self.select, *window(first_day, last_day), *how)

    def build(self, first_day: date | None = None, last_day: date | None = None, *, select: str = "") -> dict[str, str]:
        """What became of every model and test; of a test only if all its models are chosen."""
        return self.results_of("build", *self.chosen(select), *window(first_day, last_day))

    def unit_tests(self, day: date, day_of_models: date) -> dict[str, str]:
        """What became of them in a run about one day, whose models all have another."""
        windows = {name.split(".")[-1]: [str(day_of_models)] * 2 for name in self.manifest.nodes}
        days = {"first_day": str(day), "last_day": str(day), "windows": windows}
        return self.results_of("test", *self.chosen(), "--resource-type", "unit_test", "--vars", json.dumps(days))

    def chosen(self, select: str = "") -> list[str]:
        return ["--select", select or self.select, "--indirect-selection", "cautious"]

    def results_of(self, *arguments: str) -> dict[str, str]:
        outcome = self(*arguments)
        return {result.node.name: str(result.status) for result in outcome.result if hasattr(result.node, "name")}

    def __call__(self, *arguments: str) -> Any:
        with mock.patch.dict(os.environ, DBT_DUCKDB_PATH=str(self.folder / "dbt_dev.duckdb")):
            outcome = dbtRunner(self.manifest).invoke(
                [
                    *arguments,
                    *("--project-dir", str(self.project), "--profiles-dir", str(self.project)),
                    *("--target-path", str(self.target), "--log-path", str(self.folder), "--log-level-file", "none"),
                    *("--quiet", "--no-use-colors"),
                ]
            )
        if not outcome.success:
            results = getattr(outcome.result, "results", ())
            bad = [f"{result.node.name}: {result.message}" for result in results if result.status in ("error", "fail")]
            raise DbtFailed(outcome.exception or bad)
        return outcome


class DbtFailed(Exception):
    pass


def window(first_day: date | None, last_day: date | None) -> list[str]:
    if first_day is None:
        return []
    return ["--vars", f'{{first_day: "{first_day}", last_day: "{last_day or first_day}"}}']
