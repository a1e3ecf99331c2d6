"""The numbers of a run, for alarms; and its log, for machines."""

import logging
import time

from vending_platform.alerts import Number, Unit, json_handler, measured
from vending_platform.exporting import Exported
from vending_platform.extraction import ExtractionSummary
from vending_platform.ingestion import Summary
from vending_platform.observers import Observer, Operation, Result
from vending_platform.transformation import Transformed
from vending_platform.warehouse import noisy_loggers


class Metrics(Observer):
    """Numbers of every operation that a run completes."""

    def __init__(self, environment: str, run_id: str, job: str) -> None:
        self._environment, self._about = environment, {"run": run_id, "job": job}
        self._begun = time.monotonic()

    def started(self, operation: Operation) -> None:
        self._begun = time.monotonic()

    def completed(self, operation: Operation, result: Result) -> None:
        numbers: list[Number] = []
        match result:
            case ExtractionSummary():
                numbers = extracted(result)
            case Summary():
                for source, of_source in loaded(result).items():
                    self._log(f"loaded {source}", of_source, Source=source)
            case Transformed():
                numbers = built(result)
            case list():
                numbers = exported(result)
        seconds = Number("Duration", round(time.monotonic() - self._begun, 3), Unit.SECONDS)
        self._log(operation, [*numbers, seconds], Step=operation)

    def _log(self, what: str, numbers: list[Number], **by: str) -> None:
        measured(what, self._environment, numbers, by=by, about=self._about)


def extracted(done: ExtractionSummary) -> list[Number]:
    return [
        Number("RowsExtracted", sum(one.rows for one in done.sources)),
        Number("SourcesNotExtracted", len(done.problems)),
        Number("SystemsNotReached", len(done.failures)),
        Number("ItemsUndeclared", sum(one.items for one in done.undeclared)),
    ]


def loaded(summary: Summary) -> dict[str, list[Number]]:
    """Per source. The lag is how long a file had been there before it was loaded, at most."""
    found = {}
    for source in sorted({version.source for version in (*summary.loaded, *summary.quarantined)}):
        files = [version for version in summary.loaded if version.source == source]
        broken = [version for version in summary.quarantined if version.source == source]
        lag = max((version.loaded_at - version.modified_at).total_seconds() for version in (*files, *broken))
        found[source] = [
            Number("Files", len(files)),
            Number("Rows", sum(version.rows_accepted for version in files)),
            Number("Rejects", sum(version.rows_rejected for version in files)),
            Number("Quarantined", len(broken)),
            Number("Lag", round(max(lag, 0), 3), Unit.SECONDS),
        ]
    return found


def built(done: Transformed) -> list[Number]:
    return [
        Number("Builds", len(done.rows)),
        Number("RowsBuilt", sum(done.rows.values())),
        Number("FailedNodes", sum(node.status != "skipped" for node in done.failed)),
        Number("Blocked", len(done.blocked)),
    ]


def exported(done: list[Exported]) -> list[Number]:
    parts = [part for export in done for part in export.written]
    return [
        Number("FilesExported", len(parts)),
        Number("RowsExported", sum(part.rows for part in parts)),
        Number("HeldBack", sum(len(export.held_back) for export in done)),
    ]


def run_lines() -> logging.Handler:
    """A run's log, as JSON lines with run, asset and partition. A Dagster instance takes it by its name, under
    `python_logs` in its settings: loggers of a code location only speak in runs that name them."""
    return json_handler(about_record, noisy_loggers())


def about_record(record: logging.LogRecord) -> dict[str, str]:
    """What a line of a run is about, as Dagster attaches it to the record."""
    about = getattr(record, "dagster_meta", None)
    if about is None:
        return {}
    tags, event = about["job_tags"], about["dagster_event"]
    data = event.event_specific_data if event is not None else None
    key = (event.asset_key if event is not None else None) or getattr(data, "asset_key", None)
    span = [tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end")]
    days = tags.get("dagster/partition") or ("...".join(span) if all(span) else None)
    error = getattr(data, "error", None)
    found = {
        "message": about["orig_message"],
        "run": about["run_id"],
        "job": about["job_name"],
        "step": about["step_key"],
        "asset": key.to_user_string() if key is not None else None,
        "partition": (event.partition if event is not None else None) or days,
        "event": event.event_type_value if event is not None else None,
        "exception": error.to_string() if error is not None else None,
    }
    return {name: str(value) for name, value in found.items() if value}
