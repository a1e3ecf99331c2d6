"""What a person reads."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.alerts import Event, Notification, ProblemKind, without_secrets
from vending_platform.alerts.formatting import duration, subject, text
from vending_platform_tests.alerts.parts import NOON, problem
from vending_platform_tests.properties import examples

MESSAGE = Notification(
    Event.NEW,
    problem(
        what="The job daily fails",
        where="run 7",
        why="fct_sales: error:\n  no such column",
        what_to_do="Open the run.",
        link="https://ui/runs/7",
        count=3,
        unit="failed run",
    ),
    since=NOON - timedelta(hours=26, minutes=5),
    at=NOON,
)


def test_a_problem_says_what_where_why_since_when_how_often_and_what_to_do() -> None:
    assert text(MESSAGE, "production").splitlines() == [
        "PROBLEM: The job daily fails",
        "Where       production: run 7",
        "Why         fct_sales: error: no such column",
        "Since       2024-03-14 09:55 UTC (18:55 in Japan), for 1 d 2 h",
        "How often   3 failed runs",
        "What to do  Open the run.",
        "Link        https://ui/runs/7",
    ]


def test_a_recovery_says_how_long_it_lasted_and_that_nothing_is_to_be_done() -> None:
    over = replace(MESSAGE, event=Event.RECOVERED, problem=replace(MESSAGE.problem, link=None))
    assert text(over, "production").splitlines() == [
        "RECOVERED: The job daily fails",
        "Where       production: run 7",
        "Since       2024-03-15 12:00 UTC (21:00 in Japan); it had lasted 1 d 2 h, from "
        "2024-03-14 09:55 UTC (18:55 in Japan)",
        "What to do  Nothing: what was wrong is no longer so.",
    ]


def test_one_thing_is_not_told_in_the_plural_and_files_are_no_how_often() -> None:
    one = replace(MESSAGE, problem=problem(kind=ProblemKind.QUARANTINE, unit="file", count=1), since=NOON)
    lines = text(one, "staging").splitlines()
    assert "How much    1 file" in lines
    assert "Since       2024-03-15 12:00 UTC (21:00 in Japan)" in lines


@examples(40)
@given(st.text(), st.sampled_from(Event))
def test_a_subject_is_what_an_email_takes(what: str, event: Event) -> None:
    said = subject(replace(MESSAGE, event=event, problem=replace(MESSAGE.problem, what=what)), "staging")
    assert said.isascii()
    assert said.isprintable()
    assert len(said) < 100
    assert said.startswith(f"[staging] {event.capitalize()}: ")


@given(st.text(st.characters()) | st.sampled_from(["a\udc81b\x00.csv", "password=x " * 200]))
def test_what_a_problem_says_can_be_kept_and_sent_whatever_it_is_made_with(odd: str) -> None:
    one = problem(why=odd)
    assert one.why.encode().decode() == one.why
    assert "\x00" not in one.why
    assert replace(one).why == one.why


def test_a_line_is_one_line_and_no_novel() -> None:
    long = replace(MESSAGE, problem=replace(MESSAGE.problem, why="x\r\n\u2028" * 100_000))
    lines = text(long, "staging").splitlines()
    assert len(lines) == 7
    assert max(map(len, lines)) < 1_100


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("POST https://hooks.slack.com/services/T0/B0/x failed", "POST *** failed"),
        ("postgres://vending:hunter2@db:5432/x", "postgres://***@db:5432/x"),
        ("key AKIAABCDEFGHIJKLMNOP refused", "key *** refused"),
        ("connect(user='a', password='hunter 2', role='b')", "connect(user='a', ***, role='b')"),
        ('{"token": "abc", "n": 1}', '{"***, "n": 1}'),
        ("GET https://b.s3/x?a=1&X-Amz-Signature=abc&b=2", "GET https://b.s3/x?a=1&***&b=2"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- end", "*** end"),
        ("sales_VM003_20240304.csv: 3 rows, secretly", "sales_VM003_20240304.csv: 3 rows, secretly"),
        ("unique_fct_sales: fail: Got 3 results, configured to fail if != 0",) * 2,
    ],
)
def test_secrets_are_not_repeated_and_nothing_else_is_lost(said: str, told: str) -> None:
    assert without_secrets(said) == told


@pytest.mark.parametrize(
    ("minutes", "told"), [(0, "a moment"), (1, "1 min"), (61, "1 h 1 min"), (1440, "1 d"), (2945, "2 d 1 h")]
)
def test_durations(minutes: int, told: str) -> None:
    assert duration(timedelta(minutes=minutes)) == told
