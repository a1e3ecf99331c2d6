"""Copies of the dbt project with other models than its own."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vending_platform.catalog import Catalog, catalog_of, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform_tests.dbt_project.style import RULES, Sql, compiled_sql, judged, objections_to


@dataclass(frozen=True)
class Copy:
    """The project with other models than its own."""

    folder: Path
    files: dict[str, str]

    @property
    def project_dir(self) -> Path:
        return self.folder / "dbt_project"

    def make(self) -> "Copy":
        ignored = shutil.ignore_patterns("target", "logs", "staging", "intermediate", "marts", "seeds", "tests")
        shutil.copytree(DBT_PROJECT_DIR, self.project_dir, ignore=ignored)
        shutil.copytree(DBT_PROJECT_DIR / "tests" / "generic", self.project_dir / "tests" / "generic")
        for name, text in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.project_dir, self.folder / "cache")

    @cached_property
    def catalog(self) -> Catalog:
        return catalog_of(self.manifest)

    def verdicts(self) -> tuple[set[str], set[str]]:
        """What fails, and what is warned of."""
        verdicts = [judged(rule, self.manifest, {}) for rule in RULES]
        failures = {message for verdict in verdicts for message in verdict.failures}
        return failures, {message for verdict in verdicts for message in verdict.warnings}

    def objections(self) -> set[str]:
        return set(objections_to(self.sql))

    @cached_property
    def sql(self) -> Sql:
        return compiled_sql(self.folder / "compiled", self.manifest, self.project_dir)
