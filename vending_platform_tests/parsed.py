"""A dbt project as dbt has parsed it, kept for all workers and for the next run: parsing takes seconds."""

import hashlib
import pickle
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from vending_platform.catalog import project_hash
from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR
from vending_platform.transformation import Project, dbt
from vending_platform.warehouse.duckdb import dbt_connection
from vending_platform_tests.shared import made_once


@dataclass(frozen=True)
class Parsed:
    path: Path

    def hand_over(self) -> None:
        """As if this process had parsed it."""
        dbt._parsed.update(self._manifests)

    @property
    def manifest(self) -> Any:
        """For `dbtRunner`."""
        (manifest,) = self._manifests.values()
        return manifest

    @cached_property
    def _manifests(self) -> dict[Any, Any]:
        from dbt.contracts.graph.manifest import Manifest

        kept = pickle.loads(self.path.read_bytes())
        return {about: Manifest(**said) for about, said in kept.items()}


def parse(project: Project, path: Path) -> None:
    dbt._parsed.clear()
    dbt.Dbt(project, lambda _: None)
    # A manifest that is pickled by itself forgets one of its fields.
    said = {
        about: {one.name: getattr(manifest, one.name) for one in fields(manifest) if not one.name.startswith("_")}
        for about, manifest in dbt._parsed.items()
    }
    path.write_bytes(pickle.dumps(said))


def whole_project(kept: Path) -> Parsed:
    """The real project, for development."""
    folder = made_once(kept / f"parsed-{versions(Path(__file__))}", lambda made: parse(development(made), made / "it"))
    return Parsed(folder / "it")


def development(folder: Path, project_dir: Path = DBT_PROJECT_DIR) -> Project:
    """What dbt builds into a DuckDB file in `folder`."""
    return Project(project_dir, folder / "dbt", "development", 2, dbt_connection(folder / "dbt_dev.duckdb"))


def versions(module: Path) -> str:
    """A hash over the real project, all packages, and how `module` makes something of them."""
    parts = (PROJECT_DIR / "requirements.lock").read_bytes() + module.read_bytes()
    return hashlib.sha256(project_hash(DBT_PROJECT_DIR).encode() + parts).hexdigest()[:16]
