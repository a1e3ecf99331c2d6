"""What the platform works through, as Dagster shows it: a resource per service, configured as the environment says.

`through` puts the settings and the connections of such resources in the place of the environment's own, so whoever
swaps a resource changes where files and rows go. The terminal opens the same settings without Dagster.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from vending_platform.environment import DuckDBTarget, Encryption, Environment, Places, SnowflakeTarget
from vending_platform.platform import Platform
from vending_platform.warehouse import DUCKDB_SETTINGS

WAREHOUSE, FILES, DBT = "warehouse", "files", "dbt"


class DuckDBFile(DuckDBResource):
    """The laptop's warehouse, one file. `get_connection` only reads: one that writes would shut everybody else out, and
    what an asset returns is written for it."""

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with connected(self, read_only=True) as connection:
            yield connection


class FilesResource(dg.ConfigurableResource[Any]):
    """The places of files: a folder, or `s3://bucket/prefix`."""

    raw: str = Field(description="Whatever is delivered.")
    processed: str = Field(description="The exports.")
    artifacts: str = Field(description="What dbt leaves of its runs.")
    work: str = Field(description="Work in flight, and quarantine.")
    encryption: str = Field(description="Who encrypts what is written.")
    kms_key: str | None = Field(None, description="With which key, where it is the operator's own.")

    @property
    def places(self) -> Places:
        return Places(raw=self.raw, processed=self.processed, artifacts=self.artifacts, work=self.work)


class DbtResource(dg.ConfigurableResource[Any]):
    """dbt, which runs in the run's own process."""

    project_dir: str = Field(description="The dbt project that declares what there is.")
    threads: int = Field(description="How many models are built at once.")


@dataclass(frozen=True)
class PlatformFactory:
    """The platform before it has its resources, and their keys."""

    base: Platform
    keys: frozenset[str]
    _opened: dict[Environment, Platform] = field(default_factory=dict, compare=False, repr=False)

    def platform(self, context: dg.InitResourceContext) -> Platform:
        """The platform that works through this context's resources. Of the same settings there is one in a process: it
        has asked already whether this is the right account."""
        # Of S3 and Snowflake Dagster would give what an op gets, which is not the resource.
        given = context.resources.original_resource_dict
        platform = through(self.base, {key: given[key] for key in self.keys})
        return self._opened.setdefault(platform.environment, platform)


def resources_of(platform: Platform, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """By their keys. One that rests on another rests on the one of `overrides`, if it is there."""
    environment = platform.environment
    places = environment.places
    common = {
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
    match environment.warehouse:
        case DuckDBTarget(path):
            own = {WAREHOUSE: DuckDBFile(database=str(path), connection_config=dict(DUCKDB_SETTINGS))}
        case SnowflakeTarget() as target:
            from vending_platform.orchestration.cloud_resources import cloud_resources  # seconds of imports

            own = cloud_resources(environment, target, overrides)
    return {**common, **own, **{key: value for key, value in overrides.items() if key in {*common, *own}}}


def through(platform: Platform, resources: Mapping[str, Any]) -> Platform:
    """The platform, working through these resources."""
    environment, files, dbt = platform.environment, resources[FILES], resources[DBT]
    changed = replace(
        environment,
        places=files.places,
        encryption=Encryption(files.encryption),
        kms_key=files.kms_key,
        dbt_threads=dbt.threads,
        **_outside(environment, resources),
    )
    return replace(platform, environment=replace(changed, project_dir=Path(dbt.project_dir)))


def _outside(environment: Environment, resources: Mapping[str, Any]) -> dict[str, Any]:
    warehouse = resources[WAREHOUSE]
    if isinstance(warehouse, DuckDBResource):
        own: dict[str, Any] = {"warehouse": DuckDBTarget(Path(warehouse.database), connect=connecting(warehouse))}
    else:
        own = {}
    if environment.aws is None:
        return own
    from vending_platform.orchestration.cloud_resources import through_aws

    return through_aws(environment, environment.aws, resources) | own


def connecting(resource: DuckDBResource) -> Callable[..., duckdb.DuckDBPyConnection]:
    def connect(*, read_only: bool) -> duckdb.DuckDBPyConnection:
        return connected(resource, read_only=read_only)

    return connect


def connected(resource: DuckDBResource, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(resource.database, read_only=read_only, config=dict(resource.connection_config))
