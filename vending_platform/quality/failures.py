"""What does not pass, read from the history: which check of which dataset and day, which rows, and the files that they
came from."""

import json
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from vending_platform.ledger import files_of_days
from vending_platform.quality.tables import FAILED_ROWS
from vending_platform.warehouse import Reader, TableName, literal

_FAILURES_SHOWN = 1000
_FILES_SHOWN = 6
_LATEST = TableName("intermediate", "int_quality_results_latest")


@dataclass(frozen=True)
class KeptRow:
    """A row that broke a check, without what is personal."""

    row: dict[str, str | None]
    path: str | None
    line: int | None
    reason: str | None


@dataclass(frozen=True)
class File:
    path: str
    sha256: str


@dataclass(frozen=True)
class Failure:
    """A check that does not pass on a day, as it was run last."""

    dataset: str
    day: str
    check: str
    column: str
    dimension: str
    severity: str
    status: str
    failed_rows: int | None
    total_rows: int | None
    expected: str | None
    actual: str | None
    message: str | None
    partition: str
    rows: list[KeptRow] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    """What the dataset's rows of that day came from, or those of the senders among the failing rows."""
    files_in_all: int = 0


def read_failures(
    reader: Reader,
    bad: Set[tuple[str, date]],
    sources: Mapping[str, Iterable[str]],
    sender_columns: Collection[str],
) -> tuple[list[Failure], int]:
    """The worst of what does not pass on these days of datasets, and how many more there are. In `sender_columns` a
    failing row names who sent it."""
    if not bad:
        return [], 0
    days = sorted({day for _, day in bad})
    within = f"between {literal(days[0])} and {literal(days[-1])}"
    found = [
        row
        for row in reader.query(
            "select dataset, business_date, check_name, column_name, dimension, severity, status, failed_rows,"
            f" total_rows, expected, actual, message, first_day, last_day from {_LATEST}"
            f" where is_failing and business_date {within}"
            " order by case status when 'failed' then 0 when 'error' then 0 when 'warned' then 1 else 2 end,"
            " business_date desc, dataset, check_name, column_name"
        ).to_pylist()
        if (row["dataset"], row["business_date"]) in bad
    ]
    left_out = max(len(found) - _FAILURES_SHOWN, 0)
    found = found[:_FAILURES_SHOWN]
    rows = _kept_rows(reader, found)
    files = _files(reader, found, sources)
    return [_failure(row, rows, files, sources, sender_columns) for row in found], left_out


def _failure(
    row: dict[str, Any],
    rows: Mapping[tuple[Any, ...], list[KeptRow]],
    files: Mapping[tuple[str, date], list[tuple[str | None, File]]],
    sources: Mapping[str, Iterable[str]],
    sender_columns: Collection[str],
) -> Failure:
    day, first, last = row["business_date"], row["first_day"], row["last_day"]
    kept = rows.get((row["dataset"], row["check_name"], row["column_name"], first), [])
    named = {kept_row.path for kept_row in kept}
    senders = {next(filter(None, map(kept_row.row.get, sender_columns)), None) for kept_row in kept}
    behind = [found for source in sources.get(row["dataset"], ()) for found in files.get((source, day), ())]
    if named - {None}:
        behind = [(sender, file) for sender, file in behind if file.path in named]
    elif senders and None not in senders:
        behind = [(sender, file) for sender, file in behind if sender in senders]
    return Failure(
        dataset=row["dataset"],
        day=day.isoformat(),
        check=row["check_name"],
        column=row["column_name"],
        dimension=row["dimension"],
        severity=row["severity"],
        status=row["status"],
        failed_rows=_int(row["failed_rows"]),
        total_rows=_int(row["total_rows"]),
        expected=row["expected"],
        actual=row["actual"],
        message=row["message"],
        partition=f"{first}" if first == last else f"{first} to {last}",
        rows=kept,
        files=[file for _, file in behind[:_FILES_SHOWN]],
        files_in_all=len(behind),
    )


def _kept_rows(reader: Reader, found: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[KeptRow]]:
    days = [row["first_day"] for row in found]
    if not days:
        return {}
    kept: dict[tuple[Any, ...], list[KeptRow]] = {}
    for row in reader.query(
        "select dataset, check_name, column_name, first_day, path, line, reason, failed_row from ("
        " select *, max(checked_at) over (partition by dataset, check_name, column_name, first_day) as last_checked_at"
        f" from {FAILED_ROWS} where first_day between {literal(min(days))} and {literal(max(days))}"
        ") as dated where checked_at = last_checked_at order by number"
    ).to_pylist():
        key = row["dataset"], row["check_name"], row["column_name"] or "", row["first_day"]
        kept.setdefault(key, []).append(
            KeptRow(json.loads(row["failed_row"]), row["path"], _int(row["line"]), row["reason"])
        )
    return kept


def _files(
    reader: Reader, found: Iterable[Mapping[str, Any]], sources: Mapping[str, Iterable[str]]
) -> dict[tuple[str, date], list[tuple[str | None, File]]]:
    """Per source and day the files whose rows are in `raw`, or which are in quarantine, with their senders."""
    relevant = {(source, row["business_date"]) for row in found for source in sources.get(row["dataset"], ())}
    if not relevant:
        return {}
    days = sorted({day for _, day in relevant})
    files: dict[tuple[str, date], list[tuple[str | None, File]]] = {}
    for file in files_of_days(reader, days):
        if (key := (file.source, file.business_date)) in relevant:
            files.setdefault(key, []).append((file.sender, File(file.path, file.sha256)))
    return files


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
