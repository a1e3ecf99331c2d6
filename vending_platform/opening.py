"""One environment, opened: its contracts, its files, its warehouse, its dbt project, and who observes what is done."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from vending_platform.accounts import check_account
from vending_platform.arrivals import Lists
from vending_platform.catalog import Catalog, catalog_of, read_manifest
from vending_platform.environment import Environment
from vending_platform.ingestion import IngestionContext, Watcher
from vending_platform.lake import Lake, open_lake
from vending_platform.ledger import CarriedOver
from vending_platform.observers import BytesRead, Observer, Progress, Waiting
from vending_platform.storage import Place, open_storage
from vending_platform.transformation import Project
from vending_platform.warehouse import Reader, Warehouse, kind_of


@dataclass(frozen=True)
class Platform:
    """Nothing is opened before it is used, so that definitions can be loaded where no delivery has come yet."""

    environment: Environment
    manifest: dict[str, Any]
    observers: tuple[Observer, ...] = ()
    unverified_because: str | None = None
    """Why a person lets this version transform although staging has not verified it."""
    tag: Mapping[str, str] = field(default_factory=dict)
    """What every query carries, to be found by later: the run, and what in Dagster it is for."""

    @cached_property
    def catalog(self) -> Catalog:
        return catalog_of(self.manifest)

    @cached_property
    def context(self) -> IngestionContext:
        environment = self.environment
        check_account(environment)  # before anything is read or written there
        storage = open_storage(
            environment.places, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key
        )
        return IngestionContext(
            catalog=self.catalog,
            storage=storage,
            warehouse=CarriedOver(self._warehouse(storage.work)),
            scratch=environment.scratch / "ingestion",
        )

    def _warehouse(self, work: Place) -> Warehouse:
        return kind_of(self.environment.warehouse).open(self.environment, work, self.tag)

    @cached_property
    def lists(self) -> Lists:
        """The files that each run is about which a sensor requested."""
        return Lists(self.context.storage.work)

    @cached_property
    def lake(self) -> Lake:
        """`LakeError` if the environment has none."""
        return open_lake(self.environment)

    @cached_property
    def project(self) -> Project:
        environment = self.environment
        return Project(
            project_dir=environment.project_dir,
            target_dir=(environment.scratch / "dbt").resolve(),
            target=environment.name,
            threads=environment.dbt_threads,
            connection=kind_of(environment.warehouse).dbt(environment, self.tag),
        )

    def observed_by(self, *observers: Observer) -> "Platform":
        """The same, with more observers."""
        return replace(self, observers=(*self.observers, *observers))

    def report(self, event: Progress) -> None:
        for observer in self.observers:
            observer.progress(event)

    @property
    def watcher(self) -> Watcher:
        """Carries what the work below reports to the observers."""
        return Watcher(
            on_step=self.report,
            on_progress=lambda done, total: self.report(BytesRead(done, total)),
            on_wait=lambda holder: self.report(Waiting(holder)),
        )

    def reading_in_turn(self, purpose: str) -> AbstractContextManager[Reader]:
        """What is there now, read in the place of a writer: waits until no other process writes."""
        return self.context.warehouse.writing(purpose, self.watcher.on_wait)


def open_platform(environment: Environment, *observers: Observer) -> Platform:
    manifest = read_manifest(environment.project_dir, environment.scratch / "manifest")
    return Platform(environment, manifest, observers)
