"""The history, read: how each dataset stands day by day, what fails, which rows, and the files that they came from."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vending_platform.quality.results import Dimension
from vending_platform.quality.tables import FAILED_ROWS, RUNS
from vending_platform.warehouse import Reader, TableName, literal

_log = logging.getLogger(__name__)
DAYS_SHOWN = 35
_RUNS_SHOWN = 10
_FAILURES_SHOWN = 300
_FILES_SHOWN = 6
_MART = TableName("marts", "mart_data_quality")
_LATEST = TableName("intermediate", "int_quality_results_latest")
_FILES = TableName("raw", "_files")
_DIMENSIONS = [dimension.value for dimension in Dimension]


@dataclass(frozen=True)
class Score:
    """A dataset on a day. Scores go from 0 to 100; of a dimension of which nothing was asked there is none."""

    dataset: str
    day: str
    score: float
    trend: float | None
    dimensions: dict[str, float]
    checks: int
    warned: int
    failed: int
    new_failures: int
    days_since_failure: int | None


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
    """A check that does not pass on a day, as it was asked last."""

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
    """What the dataset's rows of that day came from, or those of the machines among the failing rows."""
    files_in_all: int = 0


@dataclass(frozen=True)
class PastRun:
    run_id: str
    job: str
    status: str
    problem: str | None
    ended_at: str
    checks: int
    warned: int
    failed: int


@dataclass(frozen=True)
class Quality:
    """What there is to be known, as of `as_of`; days are the latest of each dataset, the newest first."""

    as_of: str
    runs: list[PastRun]
    scores: list[Score]
    failures: list[Failure]
    about: dict[str, str | None] = field(default_factory=dict)
    """What was asked for: a day, a dataset."""

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @property
    def latest(self) -> list[Score]:
        """Of every dataset its newest day."""
        found: dict[str, Score] = {}
        for score in self.scores:
            if score.dataset not in found or found[score.dataset].day < score.day:
                found[score.dataset] = score
        return [found[dataset] for dataset in sorted(found)]

    def chosen(self, day: date | None, dataset: str | None) -> "Quality":
        """Only this dataset, and only this day and the days before it."""
        name = None if dataset is None else dataset.lower()
        until = None if day is None else day.isoformat()

        def is_meant(found: str, of: str) -> bool:
            return (name is None or name in (found, found.split(".")[-1])) and (until is None or of <= until)

        return Quality(
            self.as_of,
            self.runs,
            [score for score in self.scores if is_meant(score.dataset, score.day)],
            [f for f in self.failures if is_meant(f.dataset, f.day) and until in (None, f.day)],
            {"day": until, "dataset": dataset},
        )


_QUALITY = TypeAdapter(Quality)


def from_json(text: str | None) -> Quality | None:
    """None where there is no text, or one that can't be understood: the next run makes it again."""
    if text is None:
        return None
    try:
        return _QUALITY.validate_json(text)
    except ValidationError:
        _log.warning("What the last run told of quality is damaged, or of another version: the next run makes it again")
        return None


def read_quality(reader: Reader, sources: Mapping[str, Iterable[str]], day: date | None = None) -> Quality | None:
    """Everything, or everything until a day; None where no run has recorded anything yet. `sources` says of which
    delivered tables each dataset is made."""
    if not _is_there(reader):
        return None
    until = f" where business_date <= {literal(day)}" if day is not None else ""
    scores = [
        Score(
            dataset=row["dataset"],
            day=row["business_date"].isoformat(),
            score=float(row["score"]),
            trend=_float(row["score_trend"]),
            dimensions={name: float(row[f"{name}_score"]) for name in _DIMENSIONS if row[f"{name}_score"] is not None},
            checks=int(row["checks"]),
            warned=int(row["checks_warned"]),
            failed=int(row["checks_failed"]),
            new_failures=int(row["new_failures"]),
            days_since_failure=_int(row["days_since_failure"]),
        )
        for row in reader.query(
            "select * from (select *, row_number() over (partition by dataset order by business_date desc) as place"
            f" from {_MART}{until}) as numbered where place <= {DAYS_SHOWN} order by dataset, place"
        ).to_pylist()
    ]
    runs = [
        PastRun(
            row["run_id"],
            row["job"],
            row["status"],
            row["problem"],
            row["ended_at"].astimezone(UTC).isoformat("T", "seconds"),
            int(row["checks"]),
            int(row["checks_warned"]),
            int(row["checks_failed"]),
        )
        for row in reader.query(f"select * from {RUNS} order by ended_at desc limit {_RUNS_SHOWN}").to_pylist()
    ]
    failures = _failures(reader, scores, sources)
    return Quality(datetime.now(UTC).isoformat("T", "seconds"), runs, scores, failures)


def _is_there(reader: Reader) -> bool:
    """A view is no table of its own, and the first run has not built it yet when it fails."""
    found = reader.query(
        "select count(*) as n from information_schema.tables where upper(table_schema) = 'MARTS'"
        f" and upper(table_name) = '{_MART.name.upper()}'"
    )
    return bool(found["n"][0].as_py()) and reader.has_table(RUNS)


def _failures(reader: Reader, scores: Iterable[Score], sources: Mapping[str, Iterable[str]]) -> list[Failure]:
    bad = {(score.dataset, date.fromisoformat(score.day)) for score in scores if score.warned or score.failed}
    if not bad:
        return []
    days = sorted({day for _, day in bad})
    within = f"between {literal(days[0])} and {literal(days[-1])}"
    found = [
        row
        for row in reader.query(
            "select dataset, business_date, check_name, column_name, dimension, severity, status, failed_rows,"
            f" total_rows, expected, actual, message, first_day, last_day from {_LATEST}"
            f" where is_failing and business_date {within}"
            f" order by business_date desc, dataset, check_name, column_name limit {_FAILURES_SHOWN}"
        ).to_pylist()
        if (row["dataset"], row["business_date"]) in bad
    ]
    rows = _kept_rows(reader, found)
    files = _files(reader, found, sources)
    return [_failure(row, rows, files, sources) for row in found]


def _failure(
    row: dict[str, Any],
    rows: Mapping[tuple[Any, ...], list[KeptRow]],
    files: Mapping[tuple[str, date], list[tuple[str | None, File]]],
    sources: Mapping[str, Iterable[str]],
) -> Failure:
    day, first, last = row["business_date"], row["first_day"], row["last_day"]
    kept = rows.get((row["dataset"], row["check_name"], row["column_name"], first), [])
    named = {kept_row.path for kept_row in kept}
    machines = {kept_row.row.get("machine_id") or kept_row.row.get("machine") for kept_row in kept}
    behind = [found for source in sources.get(row["dataset"], ()) for found in files.get((source, day), ())]
    if named - {None}:
        behind = [(machine, file) for machine, file in behind if file.path in named]
    elif machines and None not in machines:
        behind = [(machine, file) for machine, file in behind if machine in machines]
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
    """Per source and day the files whose rows are in `raw`, or which are in quarantine, with their machines."""
    asked = {(source, row["business_date"]) for row in found for source in sources.get(row["dataset"], ())}
    if not asked:
        return {}
    days = sorted({day for _, day in asked})
    files: dict[tuple[str, date], list[tuple[str | None, File]]] = {}
    for row in reader.query(
        f"select source, business_date, machine, path, sha256 from {_FILES}"
        f" where state in ('loaded', 'quarantined', 'withdrawn') and business_date in"
        f" ({', '.join(map(literal, days))}) order by source, path"
    ).to_pylist():
        key = row["source"], row["business_date"]
        if key in asked:
            files.setdefault(key, []).append((row["machine"], File(row["path"], row["sha256"])))
    return files


def _float(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
