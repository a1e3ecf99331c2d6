"""One environment's floors, opened: what the terminal and Dagster start from. The three things the platform does."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from vending_platform import exporting, ingestion, promotion, quality, transformation
from vending_platform.accounts import check_account
from vending_platform.arrivals import Lists
from vending_platform.catalog import Catalog, Days, catalog_of, project_hash, read_manifest
from vending_platform.environment import (
    BUSINESS_TIME_ZONE,
    CodeChanges,
    Environment,
    Verification,
)
from vending_platform.exporting import Damage, Exported, Part
from vending_platform.ingestion import DeliveryStatus, IngestionContext, Selection, Summary, Watcher
from vending_platform.ledger import CarriedOver
from vending_platform.promotion import PromotionError
from vending_platform.quality import Quality
from vending_platform.recording import QUALITY, Recorder, lineage
from vending_platform.storage import Place, open_storage
from vending_platform.transformation import BlockedDay, BuildPlan, Finished, Project, Transformed, Work
from vending_platform.warehouse import Warehouse, WarehouseBusy, kind_of


def _ignore(*_: object) -> None:
    """For whoever does not want to be told."""


@dataclass(frozen=True)
class Listener:
    """Who is told of results as soon as they are there, and of progress in between."""

    watcher: Watcher = ingestion.SILENT
    on_plan: Callable[[BuildPlan], None] = _ignore
    on_node: Callable[[Finished], None] = _ignore
    on_ingested: Callable[[Summary], None] = _ignore
    on_transformed: Callable[[Transformed], None] = _ignore
    on_exported: Callable[[list[Exported]], None] = _ignore
    on_notice: Callable[[str], None] = _ignore
    """Something is done otherwise than somebody may expect."""


@dataclass(frozen=True)
class PlatformStatus:
    """What there is, from the deliveries to the exports."""

    deliveries: DeliveryStatus
    is_being_written: bool
    """Somebody is writing: then `deliveries` is as of the last commit, and what is stale can't be told."""
    stale: dict[date, frozenset[str]] | None
    """Per business day the models whose rows are older than the raw rows they rest on."""
    code_changes: tuple[Work, ...]
    """What older code has built."""
    blocked: list[BlockedDay]
    exports: list[tuple[str, Part]]
    exports_place: str
    damaged: list[Damage]
    """Exported files that are not as they were written."""

    @property
    def needs_a_person(self) -> bool:
        return self.deliveries.needs_a_person or bool(self.blocked or self.damaged)

    def as_json(self) -> str:
        told = asdict(self.deliveries) | {
            "is_being_written": self.is_being_written,
            "stale_days": None if self.stale is None else [day.isoformat() for day in self.stale],
            "code_changes": [
                {
                    "changed": list(work.because),
                    "models": list(work.models),
                    "days": [day.isoformat() for day in work.days],
                    "rows": work.rows,
                }
                for work in self.code_changes
            ],
            "blocked": [
                {
                    "source": block.source,
                    "business_day": block.business_date.isoformat() if block.business_date else None,
                    "reason": block.reason,
                }
                for block in self.blocked
            ],
            "exports": [
                {
                    "name": name,
                    "day": part.day,
                    "split": part.split,
                    "rows": part.rows,
                    "path": f"{self.exports_place}/{part.path}",
                }
                for name, part in self.exports
            ],
            "damaged_exports": [asdict(damage) for damage in self.damaged],
        }
        return json.dumps(told, ensure_ascii=False, indent=1)


@dataclass(frozen=True)
class Platform:
    """Nothing is opened before it is used, so that a definition can be loaded where no delivery has come yet."""

    environment: Environment
    manifest: dict[str, Any]
    listener: Listener = Listener()
    unverified_because: str | None = None
    """Why a person lets this version transform although nobody has verified it."""
    tag: Mapping[str, str] = field(default_factory=dict)
    """What every query carries that somebody may look up later: the run, and what of Dagster's it is for."""

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
        """Which files the runs are about that a sensor requested."""
        return Lists(self.context.storage.work)

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

    def ingest(
        self, selection: Selection = ingestion.EVERYTHING, *, withdraw: bool = False, verify: bool = False
    ) -> Summary:
        summary = ingestion.ingest(
            self.context, selection, withdraw=withdraw, verify=verify, watcher=self.listener.watcher
        )
        self.listener.on_ingested(summary)
        return summary

    def replay(self, selection: Selection = ingestion.EVERYTHING) -> Summary:
        summary = ingestion.replay(self.context, selection, watcher=self.listener.watcher)
        self.listener.on_ingested(summary)
        return summary

    def transform(
        self,
        run_id: str,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        anew: datetime | None = None,
        models: Iterable[str] | None = None,
        skip_code_changes: bool | None = None,
    ) -> Transformed:
        """What is done with what older code has built is the environment's to say, unless somebody says otherwise."""
        if skip_code_changes is None:
            skip_code_changes = self.environment.code_changes is CodeChanges.WAIT
        trusted = self.trusted(run_id)
        _refuse_unknown(models, (model.name for model in trusted.catalog.models))
        transformed = transformation.transform(
            trusted.catalog,
            self.context.warehouse,
            trusted.project,
            run_id=run_id,
            first_day=first_day,
            last_day=last_day,
            anew=anew,
            models=models,
            skip_code_changes=skip_code_changes,
            artifacts=self.context.storage.artifacts,
            on_plan=self.listener.on_plan,
            on_node=self.listener.on_node,
            on_wait=self.listener.watcher.on_wait,
        )
        self.listener.on_transformed(transformed)
        return transformed

    def run_tests(self, run_id: str, tests: Iterable[str], days: Days | None = None) -> Transformed:
        """Single tests of dbt, by their ids, of what is built."""
        trusted = self.trusted(run_id)
        tests = list(tests)
        _refuse_unknown(tests, trusted.manifest["nodes"])
        done = transformation.run_tests(
            trusted.catalog,
            self.context.warehouse,
            trusted.project,
            {test: trusted.manifest["nodes"][test] for test in tests},
            run_id=run_id,
            days=days,
            on_node=self.listener.on_node,
            on_wait=self.listener.watcher.on_wait,
        )
        self.listener.on_transformed(done)
        return done

    def export(self, run_id: str, names: Iterable[str] | None = None) -> list[Exported]:
        catalog = self.trusted(run_id).catalog
        _refuse_unknown(names, (export.name for export in catalog.exports))
        exported = exporting.export_all(
            catalog,
            self.context.warehouse,
            self.context.storage.processed,
            run_id=run_id,
            names=names,
            stale=lambda reader: transformation.stale(reader, catalog),
            on_wait=self.listener.watcher.on_wait,
        )
        self.listener.on_exported(exported)
        return exported

    @contextmanager
    def recorded(
        self,
        run_id: str,
        job: str,
        *,
        tell: Callable[[str], None],
        problems: Callable[[], Sequence[str] | None] = lambda: (),
    ) -> "Iterator[Platform]":
        """This platform, for one run: whatever its checks find is kept in `dq` when the run ends, in whatever way.

        `problems` says then why it failed, if it did; None means that somebody stopped it, who must not wait for the
        right to write: then the next run keeps it, as after a kill. What can't be kept fails no run; `tell` is told.
        """
        recorder = Recorder(
            run_id,
            job,
            str(self.environment.name),
            self.environment.revision,
            self.catalog,
            self.manifest,
            self._due(),
        )
        listener = self.listener

        def on_ingested(summary: Summary) -> None:
            recorder.ingested(summary)
            listener.on_ingested(summary)

        def on_transformed(done: Transformed) -> None:
            recorder.built(done)
            listener.on_transformed(done)

        def on_exported(done: list[Exported]) -> None:
            recorder.wrote(done)
            listener.on_exported(done)

        told = replace(listener, on_ingested=on_ingested, on_transformed=on_transformed, on_exported=on_exported)

        def record(raised: Sequence[str] = ()) -> None:
            try:
                if (known := problems()) is None:
                    return
                lost = recorder.record(self.context.warehouse, [*known, *raised], listener.watcher.on_wait)
                if lost is not None:
                    tell(lost)
            except Exception as error:  # whatever it is, the run has done its work or failed at it already
                tell(f"What this run found of quality could not be kept: {type(error).__name__}: {error}")

        try:
            yield replace(self, listener=told)
        except Exception as error:
            record([f"{type(error).__name__}: {error}"])
            raise
        record()

    def _due(self) -> date | None:
        """The business day that should be there by now; on a laptop, with samples of any age, there is none."""
        if self.environment.ingestion_starts is None:
            return None
        return datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date() - timedelta(days=1)

    def quality(self, day: date | None = None) -> tuple[Quality | None, bool]:
        """How far the data can be trusted, and whether somebody is writing: then it is as the last run told it."""
        try:
            with self.context.warehouse.reading() as reader:
                return quality.read_quality(reader, lineage(self.catalog), self.catalog.sender_columns, day), False
        except WarehouseBusy:
            last = self.context.warehouse.last_status(QUALITY)
            return quality.from_json(last), True

    def trusted(self, run_id: str) -> "Platform":
        """This platform, with the version of the project that may transform here."""
        environment = self.environment
        if environment.verification is not Verification.NEEDED:
            return self
        artifacts, own = self.context.storage.artifacts, project_hash(environment.project_dir)
        if promotion.verified_version(artifacts, own) is not None:
            return self
        if self.unverified_because:
            promotion.record_override(
                artifacts, own, environment.revision, run_id=run_id, because=self.unverified_because
            )
            self.listener.on_notice(f"Version {own} is not verified, and is used because: {self.unverified_because}")
            return self
        if not (versions := promotion.verified_versions(artifacts)):
            raise PromotionError(
                f"staging has verified no version yet, and {environment.name} transforms with no other: "
                "let it build there first, or say why it can't wait (vending run --unverified REASON)"
            )
        kept = environment.scratch / "verified"
        folder = promotion.unpack(artifacts, versions[0], kept)
        self.listener.on_notice(
            f"Version {own}, which is deployed, is not verified by staging. The last one that is is used: {versions[0]}"
        )
        return replace(
            self,
            environment=replace(environment, project_dir=folder),
            manifest=read_manifest(folder, kept / "manifest"),
        )

    def sign_off(self, run_id: str) -> str:
        """Verify this version, where that is done, if everything was built with it and every check passed. In words."""
        if self.environment.verification is not Verification.GIVEN:
            return f"{self.environment.name} verifies no version."
        with self.context.warehouse.reading() as reader:
            waiting = transformation.unproven(reader, self.catalog)
            stale = transformation.stale(reader, self.catalog)
            changes = transformation.code_changes(reader, self.catalog)
        if waiting:
            return f"This version is not verified yet: not built and checked as now written are {', '.join(waiting)}."
        if stale:
            return f"This version is not verified yet: {len(stale)} days are stale."
        if changes:
            return f"This version is not verified yet: {'; '.join(map(str, changes))}."
        verified = promotion.sign_off(
            self.context.storage.artifacts,
            self.environment.project_dir,
            revision=self.environment.revision,
            run_id=run_id,
            now=datetime.now(UTC),
        )
        return f"Verified for production: version {verified} (run {verified.run_id})."

    def needs_a_person(self) -> bool:
        """As `status` would say, asked for nothing else."""
        deliveries, is_being_written = ingestion.status(self.context.warehouse, self.catalog)
        if deliveries.needs_a_person or is_being_written:
            return deliveries.needs_a_person
        try:
            with self.context.warehouse.reading() as reader:
                return bool(transformation.blocked(reader, self.catalog))
        except WarehouseBusy:
            return False

    def status(self, *, verify: bool = False) -> PlatformStatus:
        """With `verify` every exported file is read and hashed."""
        deliveries, is_being_written = ingestion.status(self.context.warehouse, self.catalog)
        stale, changes, blocked = None, tuple[Work, ...](), []
        if not is_being_written:
            try:
                with self.context.warehouse.reading() as reader:
                    stale = transformation.stale(reader, self.catalog)
                    changes = transformation.code_changes(reader, self.catalog)
                    blocked = transformation.blocked(reader, self.catalog)
            except WarehouseBusy:
                is_being_written = True
        verified = list(exporting.verified(self.catalog, self.context.storage.processed, hashing=verify))
        exports = [(export.export, part) for export in verified for part in export.parts]
        damaged = [damage for export in verified for damage in export.damaged]
        place = self.environment.places.processed
        return PlatformStatus(deliveries, is_being_written, stale, changes, blocked, exports, place, damaged)


def open_platform(environment: Environment, listener: Listener | None = None) -> Platform:
    manifest = read_manifest(environment.project_dir, environment.scratch / "manifest")
    return Platform(environment, manifest, listener or Listener())


def _refuse_unknown(names: Iterable[str] | None, known: Iterable[str]) -> None:
    if unknown := sorted(set(names or ()) - set(known)):
        raise PromotionError(f"the version that may transform here does not have {', '.join(unknown)}: verify it first")
