"""Gathers what a run finds, and keeps it when the run ends."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from vending_platform import ingestion, quality, transformation
from vending_platform.catalog import Catalog
from vending_platform.exporting import Exported
from vending_platform.ingestion import Status, Summary
from vending_platform.quality import TABLES, Result, Run
from vending_platform.recording import deliveries, exports, models
from vending_platform.storage import Place, StorageError
from vending_platform.transformation import Transformed
from vending_platform.warehouse import Reader, Warehouse

QUALITY = "quality"
"""What the warehouse's published text about quality is called."""
SUCCEEDED, FAILED = "succeeded", "failed"


@dataclass
class Recorder:
    """One run. `catalog` and `manifest` are those that it worked with; `due` is the day that should be there by now."""

    run_id: str
    job: str
    environment: str
    revision: str | None
    catalog: Catalog
    manifest: Mapping[str, Any]
    due: date | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    summaries: list[Summary] = field(default_factory=list)
    transformed: list[tuple[Transformed, dict[tuple[int, str], str]]] = field(default_factory=list)
    exported: list[Exported] = field(default_factory=list)

    def ingested(self, summary: Summary) -> None:
        self.summaries.append(summary)

    def built(self, done: Transformed, artifacts: Callable[[], Place]) -> None:
        """The statements of failing tests are read at once: another try of the same run writes over them."""
        statements = _statements(done, artifacts()) if any(_found_rows(done)) else {}
        self.transformed.append((done, statements))

    def wrote(self, exported: Sequence[Exported]) -> None:
        self.exported += exported

    def record(self, warehouse: Warehouse, problems: Sequence[str], on_wait: Callable[[str], None]) -> None:
        """Keep the run, and what its checks found, in one publication. A run that found nothing to do is one row."""
        status, _ = ingestion.status(warehouse, self.catalog)
        with warehouse.writing("vending quality", on_wait) as writer:
            writer.ensure_tables(TABLES)
            results = self._results(writer, status)
            personal = quality.personal_columns(dict(self.manifest))
            writer.publish(quality.changes(self._run(problems), results, personal), lambda _: None)
            if results:
                warehouse.publish_status(lambda: self._told(writer), QUALITY)

    def _results(self, reader: Reader, status: Status) -> list[Result]:
        """In the order of a run: what came, what was built of it, what left; then the figures of all that moved."""
        if not (self.summaries or self.transformed or self.exported):
            return []
        blocked = transformation.blocked(reader, self.catalog) if self.summaries else []
        asked = [
            one
            for done, statements in self.transformed
            for one in models.of_models(self.manifest, self.catalog, done, statements)
        ]
        found = [
            *deliveries.of_deliveries(reader, self.catalog, self.summaries, status, blocked, due=self.due),
            *models.looked_up(reader, asked),
            *exports.of_exports(self.exported),
        ]
        measured = {
            **deliveries.measured(self.catalog, deliveries.touched(self.catalog, self.summaries)),
            **models.measured(self.manifest, self.catalog, [done for done, _ in self.transformed]),
        }
        figures = list(quality.measure(reader, {one: days for one, days in measured.items() if days}))
        return _last_of_each([*found, *quality.judged(reader, figures)])

    def _run(self, problems: Sequence[str]) -> Run:
        return Run(
            run_id=self.run_id,
            job=self.job,
            environment=self.environment,
            revision=self.revision,
            status=FAILED if problems else SUCCEEDED,
            problem="; ".join(problems) or None,
            started_at=self.started_at,
            ended_at=datetime.now(UTC),
            files_loaded=sum(len(summary.loaded) for summary in self.summaries),
            days_built=sum(len(done.rows) for done, _ in self.transformed),
            files_exported=sum(len(export.written) for export in self.exported),
        )

    def _told(self, reader: Reader) -> str:
        found = quality.read_quality(reader, lineage(self.catalog))
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


def _found_rows(done: Transformed) -> list[tuple[int, str]]:
    """The tests that found rows, by the number of their window."""
    return [
        (number, node.unique_id)
        for number, (_, nodes) in enumerate(done.windows)
        for node in nodes
        if node.kind == "test" and node.failures and node.status in ("warn", "fail")
    ]


def _statements(done: Transformed, artifacts: Place) -> dict[tuple[int, str], str]:
    """As dbt has sent them; it says them in its own results."""
    wanted = set(_found_rows(done))
    found: dict[tuple[int, str], str] = {}
    for number in sorted({number for number, _ in wanted}):
        suffix = "" if number == 0 else f"-{number + 1}"
        try:
            told = json.loads(b"".join(artifacts.read_path(f"{done.run_id}/run_results{suffix}.json")))
        except (KeyError, StorageError):
            continue  # then the results are kept without their rows
        for result in told["results"]:
            if (number, result["unique_id"]) in wanted and result.get("compiled_code"):
                found[number, result["unique_id"]] = result["compiled_code"].strip().rstrip(";")
    return found
