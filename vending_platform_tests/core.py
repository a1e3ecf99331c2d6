"""A small dbt project for tests of what the platform does, which must not cost more with every mart that is added.

It is the real one, cut down: the fleet's facts, dimensions and daily marts, with all that is behind them. Of its tests
it has those that find a row twice, the one that holds two marts against each other, and one model's unit tests. What
the project's own SQL and tests say is a question to the whole project: `dbt_project/` and `test_vending_run` ask it.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vending_platform.catalog import Catalog, catalog_of, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.transformation import Project
from vending_platform_tests.parsed import Parsed, development, parse, versions
from vending_platform_tests.shared import made_once

MARTS = (
    "fct_sales",
    "fct_replenishments",
    "dim_machines",
    "dim_products",
    "dim_payment_methods",
    "dim_staff",
    "mart_data_quality",
    "mart_machine_daily",
    "mart_prefecture_daily",
    "mart_product_daily",
)
KEPT_TESTS = {"unique", "unique_combination_of_columns"}
KEPT_SINGULAR_TEST = "sales_and_daily_marts_agree"
PAGE = "_dashboard__exposures.yml"
"""What the vending dashboard reads; a test of such exports declares its own."""
UNIT_TESTED = "mart_machine_daily"


@dataclass(frozen=True)
class Core:
    """The small project, parsed once for all tests."""

    folder: Path

    @property
    def project_dir(self) -> Path:
        return self.folder / "dbt_project"

    @property
    def manifest_cache(self) -> Path:
        return self.folder / "manifest"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.project_dir, self.manifest_cache)

    @cached_property
    def catalog(self) -> Catalog:
        return catalog_of(self.manifest)

    def project(self, folder: Path) -> Project:
        """What dbt builds in `folder` of a platform."""
        return development(folder, self.project_dir)

    def hand_over(self) -> None:
        """As if this process had parsed it for dbt; a process of its own would take seconds to do so."""
        self._parsed.hand_over()

    @cached_property
    def _parsed(self) -> Parsed:
        return Parsed(self.folder / "parsed")


def make_core(kept: Path, manifest: dict[str, Any]) -> Core:
    """Of the whole project, whose manifest is given, in a folder that is named after all that decides what is in it."""
    name = versions(Path(__file__))
    return Core(made_once(kept / f"core-{name}", lambda made: _make(Core(made), manifest)))


def _make(core: Core, whole: dict[str, Any]) -> None:
    models = {model.name: model for model in catalog_of(whole).models}
    cut_down(core.project_dir, {*MARTS, *(name for mart in MARTS for name in models[mart].rests_on)})
    core.manifest  # noqa: B018 parsed, and kept
    parse(core.project(core.folder), core.folder / "parsed")


def cut_down(project: Path, models: set[str]) -> None:
    """Make `project` the real one with these models and seeds alone, and with few of their tests."""
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    for path in (*(project / "models").rglob("*.sql"), *(project / "seeds").rglob("*.csv")):
        if path.stem not in models:
            path.unlink()
    (project / "models" / "marts" / PAGE).unlink()
    for path in (project / "tests").glob("*.sql"):
        if path.stem != KEPT_SINGULAR_TEST:
            path.unlink()
    for part in ("models", "seeds", "tests"):
        for path in (project / part).rglob("*.yml"):
            kept = _kept(yaml.safe_load(path.read_text(encoding="utf-8")), models)
            path.write_text(yaml.safe_dump(kept, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _kept(said: dict[str, Any], models: set[str]) -> dict[str, Any]:
    """What one YAML file says about these models."""
    is_kept: dict[str, Callable[[dict[str, Any]], bool]] = {
        "models": lambda model: model["name"] in models,
        "seeds": lambda seed: seed["name"] in models,
        "unit_tests": lambda test: test["model"] == UNIT_TESTED,
        "data_tests": lambda test: test["name"] == KEPT_SINGULAR_TEST,
        "exposures": lambda exposure: (
            set(re.findall(r"ref\('(\w+)'\)", str(exposure["depends_on"]))) <= models
            and exposure["config"]["meta"]["export"]["format"] != "iceberg"  # the lake has tests of its own
        ),
    }
    kept = {part: list(filter(is_kept[part], said[part])) for part in said.keys() & is_kept.keys()}
    for model in (*kept.get("models", ()), *kept.get("seeds", ())):
        for tested in (model, *model.get("columns", ())):
            tested["data_tests"] = [
                test
                for test in tested.get("data_tests", ())
                if model["name"] in MARTS and KEPT_TESTS & set([test] if isinstance(test, str) else test)
            ]
    return said | kept
