"""What events say beyond what an operation reports: of the dbt project, its code and its environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vending_platform.catalog import Catalog, Export
from vending_platform.environment import Environment
from vending_platform.lineage.events.datasets import Datasets
from vending_platform.lineage.events.facets import Facets, facets, owners
from vending_platform.lineage.events.masking import masked_message
from vending_platform.lineage.events.runs import LineageRun, lost
from vending_platform.warehouse import kind_of

_ENGINE = "VENDING_PLATFORM"
_NOT_ENDED = "The run ended before this part of it did."


@dataclass(frozen=True)
class Knowledge:
    """Of one environment; `compiled` is where dbt leaves the SQL that it runs."""

    environment: Environment
    manifest: Mapping[str, Any]
    catalog: Catalog
    compiled: Path

    @cached_property
    def datasets(self) -> Datasets:
        return Datasets(self.environment, self.manifest)

    @property
    def namespace(self) -> str:
        """Of all jobs of this environment."""
        return f"{self.environment.domain}.{self.environment.name}"

    def root(self, run_id: str, job: str) -> LineageRun:
        environment = self.environment
        tags = {"domain": environment.domain, "environment": str(environment.name), "revision": environment.revision}
        return LineageRun(
            job,
            self.namespace,
            run_id,
            job_facets=self.job_facets("JOB"),
            run_facets=facets(
                processing_engine={"name": "vending-platform", "version": version("vending-platform")},
                tags_of_run={"tags": [{"key": key, "value": value} for key, value in tags.items() if value]},
            ),
        )

    def job_facets(self, kind: str) -> Facets:
        return facets(jobType={"processingType": "BATCH", "integration": _ENGINE, "jobType": kind})

    def node(self, unique_id: str) -> Mapping[str, Any] | None:
        """A node that the manifest declares; None of one that only another version of the project has."""
        declared = self.manifest["nodes"].get(unique_id) or self.manifest.get("unit_tests", {}).get(unique_id)
        return declared if isinstance(declared, Mapping) else None

    def of_code(self, declared: Mapping[str, Any], kind: str) -> Facets:
        """What a job is that a file of the project declares."""
        description = " ".join((declared.get("description") or "").split())
        path = declared["original_file_path"]
        location = {
            "type": "git",
            "url": (self.environment.project_dir / path).absolute().as_uri(),
            "path": f"{self.environment.project_dir.name}/{path}",
            "version": self.environment.revision,
        }
        group = declared.get("group")
        of_group = self.manifest.get("groups", {}).get(f"group.{declared['package_name']}.{group}", {})
        return {
            **self.job_facets(kind),
            **facets(
                documentation_of_job={"description": description} if description else None,
                sourceCodeLocation=location,
                ownership_of_job=owners([(declared.get("owner") or of_group.get("owner") or {}).get("name")]),
            ),
        }

    def sql_of(self, declared: Mapping[str, Any]) -> Facets:
        """The statement as it was run."""
        path = self.compiled / declared["package_name"] / declared["original_file_path"]
        try:
            query = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return {}
        return facets(sql={"query": query, "dialect": kind_of(self.environment.warehouse).name})

    def exposure(self, export: Export) -> Mapping[str, Any] | None:
        found = (one for one in self.manifest.get("exposures", {}).values() if one["name"] == export.name)
        return next(found, None)

    def model_id(self, export: Export) -> str:
        return self._models[export.model]

    def model_named(self, name: str) -> str | None:
        """The id of a model or a seed; None of what the project does not build."""
        return self._models.get(name)

    @cached_property
    def _models(self) -> Mapping[str, str]:
        return {model.name: model.unique_id for model in self.catalog.models}

    def source_id(self, name: str) -> str:
        declared: Mapping[str, Any] = self.manifest["sources"]
        return next(one for one in declared if declared[one]["identifier"] == name and "files" in _meta(declared[one]))

    def message(self, text: str) -> str:
        """An error's, without what it quotes of the data."""
        return masked_message(text, self._words)

    def left_open(self, start: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return lost(start, now, _NOT_ENDED)

    @cached_property
    def _words(self) -> frozenset[str]:
        """What the project calls its things, and what SQL calls its types; a value of the data is none of them."""
        declared = [*self.manifest["nodes"].values(), *self.manifest["sources"].values()]
        found = {str(self.environment.domain), *_SQL_TYPES}
        for one in declared:
            found |= {one["name"], one["schema"], one.get("identifier") or "", *one.get("columns", {})}
        found |= {export.name for export in self.catalog.exports}
        return frozenset(part.lower() for name in found for part in re.split(r"[.\s]+", name) if part)


_SQL_TYPES = (
    "int32",
    "int64",
    "bigint",
    "integer",
    "varchar",
    "text",
    "date",
    "timestamp",
    "double",
    "decimal",
    "boolean",
)


def _meta(declared: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = declared["config"]["meta"]
    return found
