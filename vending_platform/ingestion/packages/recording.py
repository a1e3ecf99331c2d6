"""What a run knows and finds out of packages, and what of it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vending_platform.ingestion.package_result import PackageResult
from vending_platform.ingestion.packages.gathering import PackageDelivery
from vending_platform.ingestion.packages.judging import Judged, Loadable
from vending_platform.ingestion.reading import FileContent
from vending_platform.ingestion.run import Run
from vending_platform.ledger import (
    FileVersion,
    PackageKey,
    PackageRecord,
    PackageState,
    as_text,
    note_packages,
)
from vending_platform.warehouse import Change


@dataclass
class KnownPackages:
    """The ledger's records as they were, and what the run has found since; `changes` is what it has not noted yet."""

    records: dict[PackageKey, PackageRecord]
    manifests: dict[PackageKey, tuple[str, FileContent]] = field(default_factory=dict)
    """Of those that this run has read, path and content."""
    _kept: dict[PackageKey, dict[str, str]] = field(default_factory=dict)
    _new: dict[PackageKey, PackageRecord] = field(default_factory=dict)

    def kept_contents(self, key: PackageKey) -> Mapping[str, str]:
        record = self.records.get(key)
        return record.kept_contents if record is not None else {}

    def keep(self, key: PackageKey, hashes: Mapping[str, str]) -> None:
        self._kept[key] = dict(hashes)

    def loaded(self, run: Run, package: Loadable, versions: Mapping[str, FileVersion]) -> PackageResult:
        """That this revision is in `raw`."""
        mine = [versions[delivered.file.path] for delivered, _ in package.files]
        rows = sum(version.rows_accepted for version in mine)
        self._note(
            replace(
                self._beginning(run, package.delivery),
                state=PackageState.LOADED,
                found_revision=package.revision,
                revision=package.revision,
                listed=as_text({version.path: version.sha256 for version in mine}),
                rows=rows,
                loaded_at=run.now,
                run_id=run.summary.run_id,
            )
        )
        return _result(package.delivery, PackageState.LOADED, package.revision, files=len(mine), rows=rows)

    def judged(self, run: Run, one: Judged) -> PackageResult:
        """That it is not loaded now; what is in `raw` stays."""
        before = self.records.get(one.delivery.key)
        begins = before is None or (before.state, before.found_revision) != (one.state, one.revision)
        record = self._beginning(run, one.delivery)
        kept = as_text(self._kept.get(one.delivery.key, {}))
        since = run.now if before is None or begins else before.since
        self._note(
            replace(record, state=one.state, reason=one.reason, found_revision=one.revision, since=since, kept=kept)
        )
        return _result(one.delivery, one.state, one.revision, one.reason)

    def changes(self) -> Change:
        """What was found since this was called last."""
        change = note_packages(self._new.values())
        self.records |= self._new
        self._new = {}
        return change

    def _note(self, record: PackageRecord) -> None:
        self._new[record.key] = record

    def _beginning(self, run: Run, delivery: PackageDelivery) -> PackageRecord:
        before = self.records.get(delivery.key)
        return PackageRecord(
            package=delivery.package.name,
            sender=delivery.sender,
            business_date=delivery.day,
            manifest_path=delivery.manifest_path,
            state=PackageState.WAITING,
            reason=None,
            found_revision=None,
            since=run.now,
            seen=as_text(delivery.facts),
            kept="{}",
            revision=before.revision if before is not None else None,
            listed=before.listed if before is not None else "{}",
            rows=before.rows if before is not None else 0,
            loaded_at=before.loaded_at if before is not None else None,
            run_id=before.run_id if before is not None else run.summary.run_id,
        )


def _result(
    delivery: PackageDelivery,
    state: PackageState,
    revision: int | None,
    reason: str | None = None,
    *,
    files: int = 0,
    rows: int = 0,
) -> PackageResult:
    return PackageResult(
        delivery.package.name,
        delivery.package.sender_name,
        delivery.sender,
        delivery.period,
        delivery.day,
        state,
        revision,
        reason,
        tuple(sorted({delivered.source.name for delivered in delivery.files})),
        files,
        rows,
    )
