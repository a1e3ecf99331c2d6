"""What Dagster's UI shows of assets: metadata, as tables and charts. Pure."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg

from vending_platform.exporting import Exported, Part
from vending_platform.ingestion import Overview, PackageResult, Summary
from vending_platform.ledger import FileCounts, FileState, PackageState, RejectedRow

Metadata = Mapping[str, Any]

_CHART_DAYS = 60
_TABLE_ROWS = 20


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
    if packages := [one for one in summary.packages if source in one.sources]:
        metadata["packages"] = packages_table(packages)
    if rejects := now.rejects.get(source):
        metadata["first rejected rows"] = rejected_rows_table(rejects)
    if len(per_day := now.rows_per_day(source)) > 1:
        metadata["rows per day"] = dg.MetadataValue.md(bar_chart(per_day))
    return metadata


def packages_table(packages: Sequence[PackageResult]) -> dg.TableMetadataValue:
    """What became of packages in a run, those with a problem first."""
    in_order = sorted(packages, key=lambda one: (one.state is PackageState.LOADED, one.period, one.sender))
    records = [
        dg.TableRecord(
            {
                "sender": one.sender,
                "period": one.period,
                "state": one.state.value,
                "revision": one.revision or 0,
                "files": one.files,
                "rows": one.rows,
                "reason": one.reason or "",
            }
        )
        for one in in_order[:_TABLE_ROWS]
    ]
    return dg.MetadataValue.table(records)


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


def parts_metadata(parts: Sequence[Part], place: str, *, is_table: bool = False) -> Metadata:
    """Of the files of one day of an export, or of all of an export without days; of a table of the lake they are rows
    in files with those of other days."""
    first = parts[0]
    if is_table:
        return {
            "dagster/partition_row_count" if first.day else "dagster/row_count": sum(part.rows for part in parts),
            "raw files it rests on": first.raw_files.files,
        }
    folder, _, _ = first.path.rpartition("/")
    which: Metadata = {"sha256": first.sha256} if len(parts) == 1 else {"files": len(parts)}
    return {
        "dagster/partition_row_count" if first.day else "dagster/row_count": sum(part.rows for part in parts),
        "path": dg.MetadataValue.path(f"{place}/{first.path if len(parts) == 1 else folder}"),
        "bytes": sum(part.bytes for part in parts),
        **which,
        "raw files it rests on": first.raw_files.files,
    }


def table_metadata(exported: Exported) -> Metadata:
    """Of an export that is a table of the lake: its current snapshot."""
    state = exported.table
    if state is None:
        return {}
    return {
        "dagster/row_count": state.rows,
        "snapshot": str(state.snapshot_id),
        "files": state.files,
        "bytes": state.bytes,
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


def rejected_rows_table(rows: Iterable[RejectedRow]) -> dg.TableMetadataValue:
    return rows_table({name: value for name, value in asdict(row).items() if name != "source"} for row in rows)


def rows_table(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    rows = list(rows)
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows[:_TABLE_ROWS]]
    kinds = {name: "int" if isinstance(value, int) else "string" for name, value in rows[0].items()}
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()])
    return dg.MetadataValue.table(records, schema)


def _cell(value: Any) -> str | int:
    return value if isinstance(value, int) else "" if value is None else str(value)
