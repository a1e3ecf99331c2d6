"""What the platform works through, as Dagster shows it: a resource per service, configured as the environment declares.

`through` replaces the environment's own settings and connections by those of such resources, so swapping a resource
changes where files and rows go. The terminal opens the same settings without Dagster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from vending_platform.environment import Encryption, Environment, Places
from vending_platform.opening import Platform
from vending_platform.warehouse import dagster_resource_of

WAREHOUSE, FILES, DBT = "warehouse", "files", "dbt"


class FilesResource(dg.ConfigurableResource[Any]):
    """The places of files: a folder, or `s3://bucket/prefix`."""

    raw: str = Field(description="The deliveries.")
    processed: str = Field(description="The exports.")
    artifacts: str = Field(description="What dbt writes about its runs.")
    work: str = Field(description="Work in flight, and the quarantine.")
    encryption: str = Field(description="How written files are encrypted.")
    kms_key: str | None = Field(None, description="The key of that encryption, if it is the operator's own.")

    @property
    def places(self) -> Places:
        return Places(raw=self.raw, processed=self.processed, artifacts=self.artifacts, work=self.work)


class DbtResource(dg.ConfigurableResource[Any]):
    """dbt, which runs in the run's own process."""

    project_dir: str = Field(description="The dbt project that declares the data.")
    threads: int = Field(description="How many models are built at the same time.")


@dataclass(frozen=True)
class PlatformFactory:
    """The platform before it has its resources, and their keys."""

    base: Platform
    keys: frozenset[str]
    _opened: dict[Environment, Platform] = field(default_factory=dict, compare=False, repr=False)

    def platform(self, context: dg.InitResourceContext) -> Platform:
        """The platform that works through this context's resources. A process has one for the same settings: it has
        already checked that this is the right account."""
        # For some resources Dagster would give what an op gets, such as a client, which is not the resource.
        given = context.resources.original_resource_dict
        platform = through(self.base, {key: given[key] for key in self.keys})
        return self._opened.setdefault(platform.environment, platform)


def resources_of(platform: Platform, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """By their keys. A resource that depends on another one depends on that of `overrides`, if it has one."""
    environment = platform.environment
    places = environment.places
    found: dict[str, Any] = {
        FILES: FilesResource(
            raw=places.raw,
            processed=places.processed,
            artifacts=places.artifacts,
            work=places.work,
            encryption=environment.encryption.value,
            kms_key=environment.kms_key,
        ),
        DBT: DbtResource(project_dir=str(environment.project_dir), threads=environment.dbt_threads),
    }
    if environment.aws is not None:
        from vending_platform.orchestration.cloud_resources import (  # seconds of imports
            cloud_resources,
            with_secrets_of,
        )

        found |= cloud_resources(environment, environment.aws)
        environment = with_secrets_of(environment, environment.aws, {**found, **overrides})
    found[WAREHOUSE] = dagster_resource_of(environment.warehouse).resource_of(environment)
    return {key: overrides.get(key, resource) for key, resource in found.items()}


def through(platform: Platform, resources: Mapping[str, Any]) -> Platform:
    """The platform, working through these resources."""
    files, dbt = resources[FILES], resources[DBT]
    environment = replace(
        platform.environment,
        places=files.places,
        encryption=Encryption(files.encryption),
        kms_key=files.kms_key,
        dbt_threads=dbt.threads,
        project_dir=Path(dbt.project_dir),
    )
    if environment.aws is not None:
        from vending_platform.orchestration.cloud_resources import through_aws

        environment = through_aws(environment, environment.aws, resources)
    warehouse = dagster_resource_of(environment.warehouse)
    return replace(platform, environment=warehouse.through(environment, resources[WAREHOUSE]))
