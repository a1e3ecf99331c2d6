"""What is a problem, and what is only how things are."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vending_platform import environment
from vending_platform.alerts import Problem, ProblemKind
from vending_platform.environment import Environment
from vending_platform.orchestration.due import Due, due
from vending_platform.orchestration.problems import Seen, problems
from vending_platform.orchestration.run_problems import Links, Ran, failing, run_problem
from vending_platform.transformation import BlockedDay, Why, Work
from vending_platform_tests.orchestration.test_metadata import NOTHING_WRONG

NOW = datetime(2024, 3, 15, 6, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = date(2024, 3, 14)
LINKS = Links("https://ui")
SCHEMAS = {"fct_sales": "marts"}
DUE = Due(delivered=DAY, built=DAY, begun_at=NOW - 2 * HOUR)
BUILT = {("fct_sales", DAY): True}


@pytest.fixture
def production() -> Environment:
    hours = {"ingestion_starts": "02:00", "transformation_starts": "04:00", "marts_due": "06:00"}
    return replace(environment.load(), **hours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hour", "delivered", "built", "begun"),
    [
        ("01:59", "2024-03-13", "2024-03-13", "2024-03-14 04:00"),
        ("02:00", "2024-03-14", "2024-03-13", "2024-03-14 04:00"),
        ("05:59", "2024-03-14", "2024-03-13", "2024-03-14 04:00"),
        ("06:00", "2024-03-14", "2024-03-14", "2024-03-15 04:00"),
        ("23:59", "2024-03-14", "2024-03-14", "2024-03-15 04:00"),
    ],
)
def test_what_is_due_is_the_business_day_that_was_over_in_japan_at_its_hour(
    production: Environment, hour: str, delivered: str, built: str, begun: str
) -> None:
    asked = due(production, datetime.fromisoformat(f"2024-03-15T{hour}:00+00:00"))
    assert (str(asked.delivered), str(asked.built)) == (delivered, built)
    assert asked.begun_at == datetime.fromisoformat(f"{begun}+00:00")


def test_without_hours_nothing_is_due(production: Environment) -> None:
    by_hand = replace(production, ingestion_starts=None, transformation_starts=None, marts_due=None)
    assert due(by_hand, NOW) == Due(None, None, None)


def ran(minute: int, *, job: str = "ingest", about: str | None = None, ok: bool = False, retry: bool = False) -> Ran:
    return Ran(f"run-{minute}", job, about, NOW - HOUR * 3 + minute * MINUTE, ok, will_retry=retry)


@pytest.mark.parametrize(
    ("runs", "failed"),
    [
        ([], {}),
        ([ran(1), ran(2), ran(3)], {"ingest": [1, 2, 3]}),
        ([ran(1), ran(2, ok=True), ran(3)], {"ingest": [3]}),
        ([ran(3, ok=True), ran(2), ran(1)], {}),
        ([ran(1), ran(2, job="daily", ok=True)], {}),
        ([ran(1, job="daily"), ran(2, ok=True)], {"daily": [1]}),
        ([ran(170, about="a"), ran(171, about="b", ok=True)], {"ingest": [170]}),
        ([ran(170, about="a"), ran(171, about="a", ok=True)], {}),
        ([ran(170, about="a"), ran(171, ok=True)], {}),
        ([ran(1, about="a"), ran(171, about="b", ok=True)], {}),
        ([ran(1, retry=True)], {}),
        ([ran(1, retry=True), ran(2)], {"ingest": [1, 2]}),
    ],
    ids=[
        *("nothing ran", "three failures", "since the last success", "a later success", "daily does it all"),
        *("a load is not all that daily does", "another request went well", "the same request went well"),
        *("everything went well", "never requested again", "it will be retried", "the retry failed too"),
    ],
)
def test_a_failure_counts_until_a_run_for_the_same_goes_well(runs: list[Ran], failed: dict[str, list[int]]) -> None:
    found = failing(runs, NOW)
    assert {job: [int(run.run_id[4:]) for run in failures] for job, failures in found.items()} == failed


def test_failures_of_a_job_are_one_problem_with_a_link_to_the_last() -> None:
    one = run_problem("daily", [ran(1), ran(9, about="2024-03-01..2024-03-02")], "no such column", LINKS)
    assert (one.identity, one.count, one.since) == ((ProblemKind.RUN, "daily"), 2, ran(1).ended_at)
    assert (one.where, one.link) == ("job daily, run run-9 for 2024-03-01..2024-03-02", "https://ui/runs/run-9")
    assert run_problem("daily", [ran(1)], "", Links(None)).link is None


def seen(**said: Any) -> Seen:
    status = {name: said.pop(name) for name in list(said) if hasattr(NOTHING_WRONG, name)}
    nothing: dict[str, Any] = {"stale": {}, "blocked": [], "verdicts": BUILT, "changed": {}}
    return Seen(status=replace(NOTHING_WRONG, **status), **{**nothing, **said})


def wrong(now: Seen, asked: Due = DUE) -> dict[tuple[ProblemKind, str], Problem]:
    return {problem.identity: problem for problem in problems(now, asked, SCHEMAS, LINKS)}


def test_where_all_is_well_there_is_no_problem() -> None:
    assert wrong(seen()) == {}


def missing(machine: str, day: str) -> dict[str, str]:
    return {"source": "sales", "sender": machine, "business_day": day}


def test_missing_deliveries_of_a_source_are_one_problem_the_latest_days_first() -> None:
    days = [missing("VM003", "2024-03-12"), missing("VM001", "2024-03-14"), missing("VM002", "2024-03-14")]
    ((identity, one),) = wrong(seen(missing=days, sender_names={"sales": "machine"})).items()
    assert identity == (ProblemKind.MISSING, "sales")
    assert (one.where, one.count, one.unit) == (
        "2024-03-14 machine VM001, VM002; 2024-03-12 machine VM003",
        3,
        "machine day",
    )
    assert one.link == "https://ui/assets/raw/sales"


def test_a_delivery_is_missing_from_its_hour_on_and_at_once_where_there_is_none() -> None:
    today = seen(missing=[missing("VM001", "2024-03-15")])
    assert wrong(today) == {}
    assert wrong(today, Due(date(2024, 3, 15), DAY, NOW)).keys() == {(ProblemKind.MISSING, "sales")}
    assert wrong(today, Due(None, None, None)).keys() == {(ProblemKind.MISSING, "sales")}


def test_what_older_code_has_built_waits_for_a_person_who_is_told() -> None:
    work = Work(Why.CODE, ("SQL of fct_sales",), ("fct_sales", "mart_waste"), (DAY,), 10)
    ((identity, one),) = wrong(seen(code_changes=[work])).items()
    assert identity == (ProblemKind.CODE, "marts")
    assert (one.count, one.where) == (2, str(work))
    assert "skip_code_changes: false" in one.what_to_do


def test_what_can_not_be_used_is_told_per_source() -> None:
    quarantined = [
        {"source": source, "path": f"{source}_{number}.csv", "reason": "cut off"}
        for source in ("sales", "staff")
        for number in range(7)
    ]
    found = wrong(
        seen(
            quarantined=quarantined,
            rows={"sales": {"accepted": 9, "rejected": 2}, "staff": {"accepted": 9, "rejected": 0}},
            undeclared=[{"path": "notes.txt", "reason": "no contract takes this name"}],
        )
    )
    assert {identity: problem.count for identity, problem in found.items()} == {
        (ProblemKind.QUARANTINE, "sales"): 7,
        (ProblemKind.QUARANTINE, "staff"): 7,
        (ProblemKind.REJECTED, "sales"): 2,
        (ProblemKind.UNDECLARED, "raw storage"): 1,
    }
    assert found[ProblemKind.QUARANTINE, "staff"].where.startswith("staff_0.csv (cut off); staff_1.csv (cut off); ")
    assert found[ProblemKind.QUARANTINE, "staff"].where.endswith(" and 2 more")


def test_what_waits_and_what_failed_its_checks_is_told_with_its_days() -> None:
    found = wrong(
        seen(
            blocked=[
                BlockedDay("sales", date(2024, 3, 2), "3 of 4 files are in quarantine"),
                BlockedDay("staff", None, "none"),
            ],
            verdicts={**BUILT, ("fct_sales", date(2024, 3, 2)): False, ("dim_staff", None): False},
        )
    )
    assert {identity: problem.where for identity, problem in found.items()} == {
        (ProblemKind.BLOCKED, "sales"): "2024-03-02, because 3 of 4 files are in quarantine",
        (ProblemKind.BLOCKED, "staff"): "all days, because none",
        (ProblemKind.CHECK, "dim_staff"): "/dim_staff: as a whole",
        (ProblemKind.CHECK, "fct_sales"): "marts/fct_sales: 2024-03-02",
    }


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"verdicts": {}}, "nothing of it was delivered"),
        ({"verdicts": {("fct_sales", DAY - timedelta(days=1)): True}}, "nothing of it was delivered"),
        ({"stale": {DAY: frozenset({"fct_sales"})}}, "not up to date are fct_sales"),
        (
            {"stale": {DAY: frozenset({"fct_sales"})}, "blocked": [BlockedDay("sales", DAY, "3 of 4")]},
            "its deliveries can't be trusted: sales: 3 of 4",
        ),
        (
            {"stale": {DAY: frozenset({"fct_sales"})}, "blocked": [BlockedDay("sales", date(2024, 3, 1), "3 of 4")]},
            "not up to date are fct_sales",
        ),
    ],
)
def test_marts_that_are_not_there_by_their_hour(said: dict[str, Any], why: str) -> None:
    one = wrong(seen(**said))[ProblemKind.MARTS, "marts"]
    assert (one.where, one.why) == ("business day 2024-03-14", why)
    assert not any(kind is ProblemKind.MARTS for kind, _ in wrong(seen(**said), Due(DAY, None, None)))


def test_an_earlier_day_is_out_of_date_only_if_it_could_have_been_built() -> None:
    early, late = DUE.begun_at - HOUR, DUE.begun_at + HOUR  # type: ignore[operator]
    day, stale = date(2024, 3, 5), {date(2024, 3, 5): frozenset({"fct_sales"})}
    for changed, is_told in (
        ({day: early}, True),
        ({day: early, None: early}, True),
        ({}, True),
        ({day: late}, False),  # a late file: the next transformation takes it
        ({day: early, None: late}, False),  # a late master, which may reach any day
    ):
        found = wrong(seen(stale=stale, changed=changed))
        assert ((ProblemKind.FRESHNESS, "marts") in found) is is_told, changed
    assert wrong(seen(stale={date(2024, 3, 15): frozenset({"fct_sales"})})) == {}, "today is not due yet"
