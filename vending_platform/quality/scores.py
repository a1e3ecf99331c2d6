"""The history, read: how each dataset stands day by day, what fails, which rows, and the files that they came from."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vending_platform.quality.failures import Failure, read_failures
from vending_platform.quality.results import Dimension
from vending_platform.quality.tables import RUNS
from vending_platform.warehouse import Reader, TableName, literal

_log = logging.getLogger(__name__)
DAYS_SHOWN = 35
_RUNS_SHOWN = 10
_MART = TableName("marts", "mart_data_quality")
_DIMENSIONS = [dimension.value for dimension in Dimension]


@dataclass(frozen=True)
class Score:
    """A dataset on a day. Scores go from 0 to 100; of a dimension without a check there is none."""

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
    """What is shown: a day, a dataset."""
    failures_left_out: int = 0
    """How many more there are; those that are left out are the least bad."""

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
            self.failures_left_out,
        )


_QUALITY = TypeAdapter(Quality)


def from_json(text: str | None) -> Quality | None:
    """None where there is no text, or one that can't be understood: the next run makes it again."""
    if text is None:
        return None
    try:
        return _QUALITY.validate_json(text)
    except ValidationError:
        _log.warning("The last run's text about quality is damaged, or of another version: the next run makes it again")
        return None


def read_quality(
    reader: Reader,
    sources: Mapping[str, Iterable[str]],
    sender_columns: Collection[str] = (),
    day: date | None = None,
) -> Quality | None:
    """Everything, or everything until a day; None where no run has recorded anything yet. `sources` has of which
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
    bad = {(score.dataset, date.fromisoformat(score.day)) for score in scores if score.warned or score.failed}
    failures, left_out = read_failures(reader, bad, sources, sender_columns)
    now = datetime.now(UTC).isoformat("T", "seconds")
    return Quality(now, runs, scores, failures, failures_left_out=left_out)


def _is_there(reader: Reader) -> bool:
    """A view is no table of its own, and the first run has not built it yet when it fails."""
    found = reader.query(
        "select count(*) as n from information_schema.tables where upper(table_schema) = 'MARTS'"
        f" and upper(table_name) = '{_MART.name.upper()}'"
    )
    return bool(found["n"][0].as_py()) and reader.has_table(RUNS)


def _float(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
