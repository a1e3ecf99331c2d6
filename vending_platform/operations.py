"""What the platform does, for a terminal, a Dagster run or a test alike; its observers hear of each operation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform import anonymising, exporting, extraction, ingestion, lineage, promotion, transformation
from vending_platform.catalog import Days, project_hash, read_manifest
from vending_platform.environment import BUSINESS_TIME_ZONE, CodeChanges, Environment, Verification
from vending_platform.errors import PlatformError
from vending_platform.exporting import Exported
from vending_platform.extraction import ChosenDays, Extracted, ExtractionSummary, SystemFailure, Workplace
from vending_platform.ingestion import Selection, Summary
from vending_platform.lake import Maintained
from vending_platform.observers import Notice, Observer, Operation, RequestsAnswered, RowsRead, observed
from vending_platform.opening import Platform
from vending_platform.promotion import PromotionError
from vending_platform.recording import Recorder
from vending_platform.transformation import Transformed
from vending_platform.warehouse import TableName


def extract(
    platform: Platform, names: Iterable[str] | None = None, days: ChosenDays | None = None
) -> ExtractionSummary:
    """Of every system that the chosen sources come from, what no delivery says yet. A system that fails stops no
    other."""
    chosen = set(names) if names is not None else None
    sources = [source for source in platform.catalog if chosen is None or source.name in chosen]
    place = Workplace(
        raw=platform.context.storage.raw,
        work=platform.context.storage.work,
        scratch=platform.environment.scratch / "extraction",
        on_rows=lambda source, rows: platform.report(RowsRead(source, rows)),
        on_requests=lambda source, done, total: platform.report(RequestsAnswered(source, done, total)),
        on_wait=platform.watcher.on_wait,
    )

    def work() -> ExtractionSummary:
        done: list[Extracted] = []
        failures: list[SystemFailure] = []
        declared = extraction.by_system(platform.catalog)
        for system, of_it in extraction.by_system(sources).items():
            try:
                done += extraction.extractor_of(platform.environment, system, declared[system])(of_it, place, days)
            except PlatformError as failure:
                failures.append(SystemFailure(tuple(source.name for source in of_it), failure))
        summary = ExtractionSummary(tuple(done), tuple(failures))
        for items in summary.undeclared:
            platform.report(Notice(f"No contract takes these items, so they are not delivered: {items}"))
        return summary

    return observed(platform.observers, Operation.EXTRACT, work)


def ingest(
    platform: Platform,
    selection: Selection = ingestion.EVERYTHING,
    *,
    withdraw: bool = False,
    verify: bool = False,
) -> Summary:
    def work() -> Summary:
        return ingestion.ingest(platform.context, selection, withdraw=withdraw, verify=verify, watcher=platform.watcher)

    return observed(platform.observers, Operation.INGEST, work)


def replay(platform: Platform, selection: Selection = ingestion.EVERYTHING) -> Summary:
    def work() -> Summary:
        return ingestion.replay(platform.context, selection, watcher=platform.watcher)

    return observed(platform.observers, Operation.REPLAY, work)


def transform(
    platform: Platform,
    run_id: str,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    anew: datetime | None = None,
    models: Iterable[str] | None = None,
    skip_code_changes: bool | None = None,
) -> Transformed:
    """What happens to rows that older code has built is the environment's decision, unless the caller decides."""
    if skip_code_changes is None:
        skip_code_changes = platform.environment.code_changes is CodeChanges.WAIT

    def work() -> Transformed:
        used = trusted(platform, run_id)
        _refuse_unknown(models, (model.name for model in used.catalog.models))
        return transformation.transform(
            used.catalog,
            platform.context.warehouse,
            used.project,
            run_id=run_id,
            first_day=first_day,
            last_day=last_day,
            anew=anew,
            models=models,
            skip_code_changes=skip_code_changes,
            artifacts=platform.context.storage.artifacts,
            on_plan=platform.report,
            on_node=platform.report,
            on_window=platform.report,
            on_wait=platform.watcher.on_wait,
        )

    return observed(platform.observers, Operation.TRANSFORM, work)


def run_tests(platform: Platform, run_id: str, tests: Iterable[str], days: Days | None = None) -> Transformed:
    """Single tests of dbt, by their ids, of what is built."""
    tests = list(tests)

    def work() -> Transformed:
        used = trusted(platform, run_id)
        _refuse_unknown(tests, used.manifest["nodes"])
        return transformation.run_tests(
            used.catalog,
            platform.context.warehouse,
            used.project,
            {test: used.manifest["nodes"][test] for test in tests},
            run_id=run_id,
            days=days,
            on_node=platform.report,
            on_wait=platform.watcher.on_wait,
        )

    return observed(platform.observers, Operation.TEST, work)


def export(platform: Platform, run_id: str, names: Iterable[str] | None = None) -> list[Exported]:
    def work() -> list[Exported]:
        catalog = trusted(platform, run_id).catalog
        _refuse_unknown(names, (export.name for export in catalog.exports))
        return exporting.export_all(
            catalog,
            platform.context.warehouse,
            platform.context.storage.processed,
            run_id=run_id,
            names=names,
            stale=lambda reader: transformation.stale(reader, catalog),
            on_wait=platform.watcher.on_wait,
            pseudonyms=lambda: anonymising.key_of_exports(platform.environment),
            lake=lambda: platform.lake,
        )

    return observed(platform.observers, Operation.EXPORT, work)


def maintain(platform: Platform, tables: Iterable[TableName] | None = None) -> Maintained:
    """Of the lake: few files of many small ones, no old snapshots, no files that nothing needs."""

    def work() -> Maintained:
        from vending_platform.lake.maintenance import maintain as maintain_table

        names = platform.lake.tables() if tables is None else tables
        return Maintained(tuple(maintain_table(platform.lake, name) for name in names))

    return observed(platform.observers, Operation.MAINTAIN, work)


@contextmanager
def recording(
    platform: Platform, run_id: str, job: str, *, problems: Callable[[], Sequence[str] | None] = lambda: ()
) -> Iterator[Recorder]:
    """An observer for one run: whatever its checks find is kept in `dq` when the block ends, in whatever way.

    `problems` gives then why the run failed, if it did; None means that a person stopped it, who must not wait for the
    right to write: then the next run keeps it, as after a kill. What can't be kept fails no run; the platform's
    observers get a notice.
    """
    environment = platform.environment
    recorder = Recorder(
        run_id,
        job,
        str(environment.name),
        environment.revision,
        platform.catalog,
        platform.manifest,
        _due(environment),
    )

    def keep(raised: Sequence[str] = ()) -> None:
        try:
            if (known := problems()) is None:
                return
            lost = recorder.keep(platform.context.warehouse, [*known, *raised], platform.watcher.on_wait)
            if lost is not None:
                platform.report(Notice(lost))
        except Exception as error:  # whatever it is, the run has done its work or failed at it already
            what = f"{type(error).__name__}: {error}"
            platform.report(Notice(f"What this run found of quality could not be kept: {what}"))

    try:
        yield recorder
    except Exception as error:
        keep([f"{type(error).__name__}: {error}"])
        raise
    keep()


@contextmanager
def emitting_lineage(
    platform: Platform, run_id: str, job: str, *, problems: Callable[[], Sequence[str] | None] = lambda: ()
) -> Iterator[Observer]:
    """An observer for one run: OpenLineage events of all that it does. `problems` as in `recording`."""
    with lineage.emitting(
        platform.environment,
        platform.manifest,
        lambda: platform.catalog,
        run_id=run_id,
        job=job,
        problems=problems,
        on_problem=lambda text: platform.report(Notice(text)),
    ) as observer:
        yield observer


def _due(environment: Environment) -> date | None:
    """The business day that should be there by now; on a laptop, with samples of any age, there is none."""
    if environment.ingestion_starts is None:
        return None
    return datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date() - timedelta(days=1)


def trusted(platform: Platform, run_id: str) -> Platform:
    """The platform, with the version of the project that may transform here."""
    environment = platform.environment
    if environment.verification is not Verification.NEEDED:
        return platform
    artifacts, own = platform.context.storage.artifacts, project_hash(environment.project_dir)
    if promotion.verified_version(artifacts, own) is not None:
        return platform
    if platform.unverified_because:
        promotion.record_override(
            artifacts, own, environment.revision, run_id=run_id, because=platform.unverified_because
        )
        platform.report(Notice(f"Version {own} is not verified, and is used because: {platform.unverified_because}"))
        return platform
    if not (versions := promotion.verified_versions(artifacts)):
        raise PromotionError(
            f"staging has verified no version yet, and {environment.name} transforms with no other: "
            "let it build there first, or give a reason why it can't wait (vending run --unverified REASON)"
        )
    kept = environment.scratch / "verified"
    folder = promotion.unpack(artifacts, versions[0], kept)
    platform.report(
        Notice(
            f"Version {own}, which is deployed, is not verified by staging. The last one that is is used: {versions[0]}"
        )
    )
    return replace(
        platform,
        environment=replace(environment, project_dir=folder),
        manifest=read_manifest(folder, kept / "manifest"),
    )


def sign_off(platform: Platform, run_id: str) -> str:
    """Verify this version, where that is done, if everything was built with it and every check passed. In words."""
    if platform.environment.verification is not Verification.GIVEN:
        return f"{platform.environment.name} verifies no version."
    with platform.context.warehouse.reading() as reader:
        waiting = transformation.unproven(reader, platform.catalog)
        stale = transformation.stale(reader, platform.catalog)
        changes = transformation.code_changes(reader, platform.catalog)
    if waiting:
        return f"This version is not verified yet: not built and checked as now written are {', '.join(waiting)}."
    if stale:
        return f"This version is not verified yet: {len(stale)} days are stale."
    if changes:
        return f"This version is not verified yet: {'; '.join(map(str, changes))}."
    verified = promotion.sign_off(
        platform.context.storage.artifacts,
        platform.environment.project_dir,
        revision=platform.environment.revision,
        run_id=run_id,
        now=datetime.now(UTC),
    )
    return f"Verified for production: version {verified} (run {verified.run_id})."


def _refuse_unknown(names: Iterable[str] | None, known: Iterable[str]) -> None:
    if unknown := sorted(set(names or ()) - set(known)):
        raise PromotionError(f"the version that may transform here does not have {', '.join(unknown)}: verify it first")
