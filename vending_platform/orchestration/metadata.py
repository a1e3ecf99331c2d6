"""Results, as Dagster's UI shows them: metadata of assets, results of checks. Pure."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import dagster as dg

from vending_platform.catalog import Catalog
from vending_platform.exporting import Part
from vending_platform.ingestion import DeliveryStatus, Overview, Summary
from vending_platform.ledger import FileCounts, FileState, RejectedRow
from vending_platform.orchestration.names import DELIVERIES, raw_key
from vending_platform.transformation import BlockedDay

Metadata = Mapping[str, Any]

CONTRACT_HELD = "contract_held"
DELIVERY_COMPLETE = "delivery_complete"
NO_UNDECLARED_FILES = "no_undeclared_files"
_CHART_DAYS = 60
_TABLE_ROWS = 20


@dataclass(frozen=True)
class CheckResult:
    """What became of one check; `blocks` says that something downstream waits for a person because of it."""

    asset_key: dg.AssetKey
    name: str
    passed: bool
    description: str
    metadata: Metadata
    blocks: bool = False

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.ERROR if self.blocks else dg.AssetCheckSeverity.WARN

    def as_result(self) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=self.asset_key,
            check_name=self.name,
            severity=self.severity,
            description=self.description,
            metadata=self.metadata,
        )

    def as_evaluation(self) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.asset_key,
            check_name=self.name,
            passed=self.passed,
            severity=self.severity,
            description=self.description,
            metadata={name: dg.MetadataValue.text(v) if isinstance(v, str) else v for name, v in self.metadata.items()},
        )


def raw_metadata(source: str, now: Overview, summary: Summary, seconds: float) -> Metadata:
    """A source after a run: what the run did with it, what it holds now."""
    loaded = [version for version in summary.loaded if version.source == source]
    broken = [version for version in summary.quarantined if version.source == source]
    held = now.days.get(source, {})
    rows = sum(version.rows_accepted + version.rows_rejected for version in loaded)
    metadata: dict[str, Any] = {
        "dagster/row_count": sum(day.rows_accepted for day in held.values()),
        "files loaded": len(loaded),
        "files corrected": sum(version.file_id in summary.corrected for version in loaded),
        "files unchanged": sum(day.loaded for day in held.values()) - len(loaded),
        "files quarantined": len(broken),
        "rows accepted": sum(version.rows_accepted for version in loaded),
        "rows rejected": sum(version.rows_rejected for version in loaded),
        "bytes": sum(version.size for version in (*loaded, *broken)),
        "seconds": dg.MetadataValue.float(round(seconds, 2)),
        "rows a second": round(rows / seconds) if seconds else 0,
    }
    if rejects := now.rejects.get(source):
        metadata["first rejected rows"] = _rejected(rejects)
    if len(per_day := now.rows_per_day(source)) > 1:
        metadata["rows per day"] = dg.MetadataValue.md(bar_chart(per_day))
    return metadata


def raw_day_metadata(held: FileCounts | None) -> Metadata:
    """One business day of a source, as it is now."""
    held = held or FileCounts(0, 0, 0, 0, 0)
    return {
        "dagster/partition_row_count": held.rows_accepted,
        "files of the day": held.loaded,
        "files of the day in quarantine": held.quarantined,
        "rows of the day rejected": held.rows_rejected,
        "bytes of the day": held.bytes,
    }


def raw_checks(
    catalog: Catalog, status: DeliveryStatus, now: Overview, blocked: Sequence[BlockedDay]
) -> Iterator[CheckResult]:
    """About everything that is delivered, not about one run's days: a good day must not hide a bad one."""
    for source in catalog:
        broken = [row for row in status.quarantined if row["source"] == source.name]
        drifted = [row for row in status.drifted if source.match(row["path"].rsplit("/", 1)[-1])]
        rejected = status.rows.get(source.name, {}).get("rejected", 0)
        waiting = [block for block in blocked if block.source == source.name]
        said = [
            *(f"{block.business_date or 'everything'} waits: {block.reason}" for block in waiting),
            *([f"files in quarantine: {len(broken)}"] if broken else []),
            *([f"rows rejected: {rejected}"] if rejected else []),
            *([f"files not quite as declared: {len(drifted)}"] if drifted else []),
        ]
        metadata: dict[str, Any] = {"files in quarantine": len(broken), "rows rejected": rejected}
        if broken or drifted:
            metadata["files"] = _table(
                [{"file": row["path"], "problem": row.get("reason") or row["drift"]} for row in (*broken, *drifted)]
            )
        if rejects := now.rejects.get(source.name):
            metadata["first rejected rows"] = _rejected(rejects)
        yield CheckResult(
            raw_key(source.name),
            CONTRACT_HELD,
            passed=not said,
            description="; ".join(said) or "every current file is as its contract says",
            metadata=metadata,
            blocks=bool(waiting),
        )
        if source.files.known_from is not None:
            sender = source.files.sender_name or "sender"
            missing = [row for row in status.missing if row["source"] == source.name]
            days = sorted({row["business_day"] for row in missing})
            yield CheckResult(
                raw_key(source.name),
                DELIVERY_COMPLETE,
                passed=not missing,
                description=f"{sender} days missing: {len(missing)}, from {days[0]} to {days[-1]}"
                if missing
                else f"every {sender} delivered for every day on which it was due",
                metadata={f"missing {sender} days": len(missing)}
                | (
                    {"missing": _table([{sender: r["sender"], "day": r["business_day"]} for r in missing])}
                    if missing
                    else {}
                ),
            )
    yield CheckResult(
        DELIVERIES,
        NO_UNDECLARED_FILES,
        passed=not status.undeclared,
        description=f"files of no declared kind: {len(status.undeclared)}"
        if status.undeclared
        else "every file is of a declared kind",
        metadata={"files": _table(status.undeclared)} if status.undeclared else {},
    )


def parts_metadata(parts: Sequence[Part], place: str) -> Metadata:
    """Of the files of one day of an export, or of all of an export without days."""
    first = parts[0]
    folder, _, _ = first.path.rpartition("/")
    which: Metadata = {"sha256": first.sha256} if len(parts) == 1 else {"files": len(parts)}
    return {
        "dagster/partition_row_count" if first.day else "dagster/row_count": sum(part.rows for part in parts),
        "path": dg.MetadataValue.path(f"{place}/{first.path if len(parts) == 1 else folder}"),
        "bytes": sum(part.bytes for part in parts),
        **which,
        "raw files it rests on": first.raw_files.files,
    }


def touched(summary: Summary) -> dict[str, set[date | None]]:
    """Per source the business days on which a run changed something; None where a source has no days."""
    days: dict[str, set[date | None]] = {}
    for version in (*summary.loaded, *summary.quarantined, *summary.withdrawn):
        if version.state is not FileState.SUPERSEDED:
            days.setdefault(version.source, set()).add(version.business_date)
    return days


def bar_chart(values: Mapping[date, int]) -> str:
    """The latest days as bars: a picture small enough to stand in a table's cell, as Markdown."""
    shown = dict(list(values.items())[-_CHART_DAYS:])
    top = max(shown.values(), default=0) or 1
    bars = "".join(
        f"<rect x='{6 * place}' y='{40 - height}' width='5' height='{height}'/>"
        for place, height in enumerate(max(1, round(40 * value / top)) for value in shown.values())
    )
    width = 6 * len(shown)
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='40' fill='#4f43dd'>{bars}</svg>"
    picture = base64.b64encode(svg.encode()).decode()
    days = list(shown)
    return (
        f"![rows per day](data:image/svg+xml;base64,{picture})\n\n{days[0]} to {days[-1]}, at most {top:,} rows a day"
    )


def log_check(context: dg.OpExecutionContext, evaluation: dg.AssetCheckEvaluation) -> None:
    context.log_event(evaluation)  # type: ignore[arg-type]  # it takes them; only its annotation forgot them


def _rejected(rows: Iterable[RejectedRow]) -> dg.TableMetadataValue:
    return _table({name: value for name, value in asdict(row).items() if name != "source"} for row in rows)


def _table(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    rows = list(rows)
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows[:_TABLE_ROWS]]
    kinds = {name: "int" if isinstance(value, int) else "string" for name, value in rows[0].items()}
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()])
    return dg.MetadataValue.table(records, schema)


def _cell(value: Any) -> str | int:
    return value if isinstance(value, int) else "" if value is None else str(value)
