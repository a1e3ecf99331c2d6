"""The history: `dq.results_run`, `dq.results_check`, `dq.results_failed_rows`. Rows are only ever added.

`check`, `column` and `partition` are words of SQL, so the columns are called `check_name`, `column_name` and, as days,
`first_day` and `last_day`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.quality.masking import masked, masked_words
from vending_platform.quality.results import Result
from vending_platform.warehouse import Change, TableName

RUNS = TableName("dq", "results_run")
CHECKS = TableName("dq", "results_check")
FAILED_ROWS = TableName("dq", "results_failed_rows")
ROWS_KEPT = 20
"""So many failing rows of a check and day are kept."""
_MOMENT = pa.timestamp("us", "UTC")
_FIGURE = pa.decimal128(18, 6)
_LONGEST = 2000
TABLES = {
    RUNS: pa.schema(
        [
            ("run_id", pa.string()),
            ("job", pa.string()),
            ("environment", pa.string()),
            ("revision", pa.string()),
            ("status", pa.string()),
            ("problem", pa.string()),
            ("started_at", _MOMENT),
            ("ended_at", _MOMENT),
            ("files_loaded", pa.int64()),
            ("days_built", pa.int64()),
            ("files_exported", pa.int64()),
            ("checks", pa.int64()),
            ("checks_warned", pa.int64()),
            ("checks_failed", pa.int64()),
        ]
    ),
    CHECKS: pa.schema(
        [
            ("run_id", pa.string()),
            ("dataset", pa.string()),
            ("check_name", pa.string()),
            ("column_name", pa.string()),
            ("dimension", pa.string()),
            ("severity", pa.string()),
            ("status", pa.string()),
            ("failed_rows", pa.int64()),
            ("total_rows", pa.int64()),
            ("expected", pa.string()),
            ("actual", pa.string()),
            ("figure", _FIGURE),
            ("first_day", pa.date32()),
            ("last_day", pa.date32()),
            ("code_version", pa.string()),
            ("message", pa.string()),
            ("checked_at", _MOMENT),
            ("checked_on", pa.date32()),
        ]
    ),
    FAILED_ROWS: pa.schema(
        [
            ("run_id", pa.string()),
            ("dataset", pa.string()),
            ("check_name", pa.string()),
            ("column_name", pa.string()),
            ("first_day", pa.date32()),
            ("number", pa.int64()),
            ("business_date", pa.date32()),
            ("path", pa.string()),
            ("line", pa.int64()),
            ("reason", pa.string()),
            ("failed_row", pa.string()),
            ("checked_at", _MOMENT),
        ]
    ),
}


@dataclass(frozen=True)
class RunRecord:
    """One run of the platform, as a row of the history."""

    run_id: str
    job: str
    environment: str
    revision: str | None
    status: str
    problem: str | None
    started_at: datetime
    ended_at: datetime
    files_loaded: int
    days_built: int
    files_exported: int


def changes(run: RunRecord, results: Sequence[Result], personal: frozenset[str]) -> list[Change]:
    """One publication: the run, what its checks found, and some of the rows that failed them."""
    bad = [result for result in results if result.is_bad]
    warned = sum(result.status == "warned" for result in bad)
    values = vars(run) | {
        "problem": _short(run.problem, personal),
        "checks": len(results),
        "checks_warned": warned,
        "checks_failed": len(bad) - warned,
    }
    tables = [(RUNS, [values]), (CHECKS, [_check(run, result, personal) for result in results])]
    tables.append((FAILED_ROWS, [row for result in bad for row in _rows(run, result, personal)]))
    return [Change(name, insert=_table(name, rows)) for name, rows in tables if rows]


def _check(run: RunRecord, result: Result, personal: frozenset[str]) -> dict[str, Any]:
    return vars(result) | {
        "run_id": run.run_id,
        "check_name": result.check,
        "column_name": result.column,
        "message": _short(result.message, personal),
        "figure": None if result.figure is None else result.figure.quantize(Decimal("0.000001")),
        "checked_at": run.ended_at,
        "checked_on": _day_of(run),
    }


def _day_of(run: RunRecord) -> date:
    return run.ended_at.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()


def _rows(run: RunRecord, result: Result, personal: frozenset[str]) -> Iterable[dict[str, Any]]:
    for number, failed in enumerate(result.sample[:ROWS_KEPT], start=1):
        yield {
            "run_id": run.run_id,
            "dataset": result.dataset,
            "check_name": result.check,
            "column_name": result.column,
            "first_day": result.first_day or _day_of(run),
            "number": number,
            "business_date": failed.business_date,
            "path": failed.path,
            "line": failed.line,
            "reason": _short(failed.reason, personal),
            "failed_row": json.dumps(masked(failed.row, personal), ensure_ascii=False),
            "checked_at": run.ended_at,
        }


def _table(name: TableName, rows: list[dict[str, Any]]) -> pa.Table:
    schema = TABLES[name]
    return pa.table([pa.array([row[field.name] for row in rows], field.type) for field in schema], schema=schema)


def _short(words: str | None, personal: frozenset[str]) -> str | None:
    if words is None:
        return None
    masked = masked_words(words, personal)
    return masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…"
