"""What a person can look up about an asset: where its code is, of which columns its columns are made, what starts it.

All of it stands in Dagster's own metadata, and none of it is needed to run.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata.metadata_set import TableMetadataSet

from vending_platform.environment import PROJECT_DIR
from vending_platform.lineage import Columns, column_lineage
from vending_platform.opening import Platform
from vending_platform.warehouse import kind_of

_REFERENCES = "dagster/code_references"


@dataclass(frozen=True)
class Described:
    """Details about the nodes of dbt's manifest, beyond what they declare themselves; by default there are none."""

    project_dir: Path = PROJECT_DIR
    columns: Mapping[str, Columns] = field(default_factory=dict)
    is_wanted: bool = False

    def of(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata of a model, a source or an exposure."""
        if not self.is_wanted:
            return {}
        metadata: dict[str, Any] = {_REFERENCES: self._references(declared)}
        if columns := self.columns.get(declared["unique_id"]):
            metadata |= TableMetadataSet(column_lineage=_lineage(columns))
        return metadata

    def _references(self, declared: Mapping[str, Any]) -> dg.CodeReferencesMetadataValue:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # at every start, about what can't be changed here
            return dg.CodeReferencesMetadataValue(
                code_references=[
                    dg.LocalFileCodeReference(
                        file_path=str(self.project_dir / path),
                        line_number=self._line(path, declared["name"]),
                        label=f"{self.project_dir.name}/{path}",
                    )
                    for path in _files(declared)
                ]
            )

    def _line(self, path: str, name: str) -> int:
        """Where a YAML file begins to speak of it."""
        for number, line in enumerate(self._lines.get(path, ()), start=1):
            if line.strip() in (f"- name: {name}", f"name: {name}"):
                return number
        return 1

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        """Of the YAML files of the project."""
        paths = (path for folder in ("models", "seeds") for path in (self.project_dir / folder).rglob("*.yml"))
        return {
            str(path.relative_to(self.project_dir)): path.read_text(encoding="utf-8").splitlines() for path in paths
        }


NOT_DESCRIBED = Described()


def described(platform: Platform) -> Described:
    """Looked up where people look: costs a second after a build of changed SQL, and nothing otherwise."""
    environment = platform.environment
    dialect = kind_of(environment.warehouse).name
    scratch = environment.scratch
    columns = column_lineage(platform.manifest, scratch / "dbt" / "compiled", scratch / "lineage", dialect)
    return Described(platform.environment.project_dir, columns, is_wanted=True)


def with_automation(
    assets: Iterable[dg.AssetsDefinition],
    jobs: Set[str],
    schedules: Iterable[dg.ScheduleDefinition],
    sensor: dg.SensorDefinition,
) -> list[dg.AssetsDefinition]:
    """These assets, which `jobs` make, with the names of what starts such a job: in metadata, because Dagster's own
    section about automation knows the assets of a job only if it is about certain ones, and these are not."""
    metadata: dict[str, str] = {}
    if lines := [_started(one, f"{one.cron_schedule} UTC") for one in schedules if one.job_name in jobs]:
        metadata["schedules"] = "\n".join(lines)
    if sensor.job_name in jobs:
        metadata["sensor"] = _started(sensor, f"every {sensor.minimum_interval_seconds} seconds")
    return [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(metadata={**spec.metadata, **metadata}))
        for asset in assets
    ]


def _started(by: dg.ScheduleDefinition | dg.SensorDefinition, when: str) -> str:
    is_on = by.default_status in (dg.DefaultScheduleStatus.RUNNING, dg.DefaultSensorStatus.RUNNING)
    return f"{by.name}: {when}, job {by.job_name}" + ("" if is_on else ", off until a person switches it on")


def _lineage(columns: Columns) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey([column.schema, column.table]), column.name) for column in behind]
            for name, behind in columns.items()
        }
    )


def _files(declared: Mapping[str, Any]) -> Iterator[str]:
    """What it is written in, and what is written about it."""
    yield declared["original_file_path"]
    if patch := declared.get("patch_path"):
        yield patch.split("://", 1)[-1]
