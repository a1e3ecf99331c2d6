"""Keeps what runs have found when a run ends: its own, and that of those that could not any more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from vending_platform import exporting, ingestion, quality, transformation
from vending_platform.catalog import Catalog
from vending_platform.exporting import Exported
from vending_platform.extraction import ExtractionSummary
from vending_platform.ingestion import DeliveryStatus, Summary
from vending_platform.ledger import OF_FINDINGS, RecordKind, Unrecorded, drop_recorded, prepare_ledger, read_unrecorded
from vending_platform.observers import Observer, Operation
from vending_platform.observers import Result as OperationResult
from vending_platform.quality import TABLES, Result, RunRecord
from vending_platform.recording import deliveries, exports, failing, models
from vending_platform.transformation import Transformed
from vending_platform.warehouse import Reader, Warehouse

QUALITY = "quality"
"""What the warehouse's published text about quality is called."""
SUCCEEDED, FAILED = "succeeded", "failed"


@dataclass
class Recorder(Observer):
    """One run. `catalog` and `manifest` are those that it worked with; `due` is the day that should be there by now."""

    run_id: str
    job: str
    environment: str
    revision: str | None
    catalog: Catalog
    manifest: Mapping[str, Any]
    due: date | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    extractions: list[ExtractionSummary] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    transformed: list[Transformed] = field(default_factory=list)
    exported: list[Exported] = field(default_factory=list)

    def completed(self, operation: Operation, result: OperationResult) -> None:
        match result:
            case ExtractionSummary():
                self.extractions.append(result)
            case Summary():
                self.summaries.append(result)
            case Transformed():
                self.transformed.append(result)
            case list():
                self.exported += result

    def keep(self, warehouse: Warehouse, problems: Sequence[str], on_wait: Callable[[str], None]) -> str | None:
        """Keep the run, and what is not recorded yet of what runs have found, in one publication: of this one, and of
        those that were killed before they could. A run that found nothing to do is one row.

        A sentence, if something of an earlier run can't be kept: no later run could either, and it must stop no other.
        """
        status, _ = ingestion.status(warehouse, self.catalog)
        with warehouse.writing("vending quality", on_wait) as writer:
            prepare_ledger(writer, {**OF_FINDINGS, **TABLES})
            noted, lost = read_unrecorded(writer), None
            try:
                results = self._results(writer, status, noted)
            except Exception as error:
                own = [one for one in noted if one.noted_at >= self.started_at]
                if len(own) == len(noted):
                    raise
                results = self._results(writer, status, own)
                lost = f"What an earlier run found could not be kept: {type(error).__name__}: {error}"
            personal = quality.personal_columns(dict(self.manifest))
            changes = quality.changes(self._run(problems), results, personal)
            writer.publish([*changes, *([drop_recorded(noted)] if noted else [])], lambda _: None)
            if results:
                warehouse.publish_status(lambda: self._published(writer), QUALITY)
            return lost

    def _results(self, reader: Reader, status: DeliveryStatus, noted: Sequence[Unrecorded]) -> list[Result]:
        """In the order of a run: what came, what was built of it, what left; then the figures of all that moved."""
        of_items = list(deliveries.of_items(self.extractions))
        if not noted:
            return of_items
        found = {kind: [one.found for one in noted if one.kind is kind] for kind in RecordKind}
        days = ingestion.noted_days(found[RecordKind.LOAD])
        built = transformation.noted_builds(self.catalog, found[RecordKind.BUILD])
        exported = exporting.noted_exports(found[RecordKind.EXPORT])
        blocked = transformation.blocked(reader, self.catalog) if days else []
        executed = [one for done in built for one in models.of_models(self.manifest, self.catalog, done)]
        results = [
            *of_items,
            *deliveries.of_deliveries(reader, self.catalog, days, status, blocked, due=self.due),
            *failing.looked_up(reader, executed),
            *exports.of_exports(exported),
        ]
        measured = {
            **deliveries.measured(self.catalog, days),
            **models.measured(self.manifest, self.catalog, built),
        }
        figures = list(quality.measure(reader, {one: days for one, days in measured.items() if days}))
        return _last_of_each([*results, *quality.judged(reader, figures)])

    def _run(self, problems: Sequence[str]) -> RunRecord:
        return RunRecord(
            run_id=self.run_id,
            job=self.job,
            environment=self.environment,
            revision=self.revision,
            status=FAILED if problems else SUCCEEDED,
            problem="; ".join(problems) or None,
            started_at=self.started_at,
            ended_at=datetime.now(UTC),
            files_loaded=sum(len(summary.loaded) for summary in self.summaries),
            days_built=sum(len(done.rows) for done in self.transformed),
            files_exported=sum(len(export.written) for export in self.exported),
        )

    def _published(self, reader: Reader) -> str:
        found = quality.read_quality(reader, lineage(self.catalog), self.catalog.sender_columns)
        return found.as_json() if found is not None else ""


def lineage(catalog: Catalog) -> dict[str, list[str]]:
    """Of each dataset the delivered tables that it comes from."""
    found = {f"raw.{source.name}": [source.name] for source in catalog}
    of_models = {model.name: sorted(model.files_of) for model in catalog.models}
    found |= {f"{model.schema_name}.{model.name}": of_models[model.name] for model in catalog.models}
    return found | {f"exports.{export.name}": of_models.get(export.model, []) for export in catalog.exports}


def _last_of_each(results: Sequence[Result]) -> list[Result]:
    """A second try in the same run has the last word."""
    found = {(r.dataset, r.check, r.column, r.first_day, r.last_day): r for r in results}
    return list(found.values())
