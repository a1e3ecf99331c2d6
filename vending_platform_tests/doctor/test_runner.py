"""Checks are looked at side by side, each within its bound, and none whose ground is missing."""

import threading
import time

import pytest

from vending_platform.doctor import Diagnosis, Health, examine
from vending_platform.health import CheckFailed, CheckSkipped
from vending_platform.health import HealthCheck as Check

FINE, WRONG, SKIPPED = Health
NEVER = threading.Event()


def says(words: str) -> str:
    return words


def fails(error: Exception) -> str:
    raise error


def test_each_says_what_it_found_in_the_order_of_the_table() -> None:
    def slow() -> str:
        time.sleep(0.1)
        return "slow"

    checks = [
        Check("one", slow),
        Check("two", lambda: fails(CheckFailed("fix it"))),
        Check("three", lambda: says("quick")),
    ]
    assert list(examine(checks)) == [
        Diagnosis("one", FINE, "slow"),
        Diagnosis("two", WRONG, "fix it"),
        Diagnosis("three", FINE, "quick"),
    ]


def test_what_rests_on_something_wrong_is_not_looked_at_and_says_because_of_what() -> None:
    called: list[str] = []

    def look() -> str:
        called.append("look")
        return "there"

    checks = [
        Check("account", lambda: fails(CheckFailed("not ours"))),
        Check("clock", lambda: fails(CheckSkipped("no hour"))),
        Check("bucket", look, ("account",)),
        Check("place", look, ("bucket", "clock")),
        Check("disk", lambda: says("free")),
    ]
    assert [(f.check, f.health, f.message) for f in examine(checks)] == [
        ("account", WRONG, "not ours"),
        ("clock", SKIPPED, "no hour"),
        ("bucket", SKIPPED, "because of: account"),
        ("place", SKIPPED, "because of: bucket, clock"),
        ("disk", FINE, "free"),
    ]
    assert called == []


def test_a_check_may_come_before_its_ground_in_the_table() -> None:
    checks = [Check("late", lambda: says("2"), ("early",)), Check("early", lambda: says("1"))]
    assert [finding.message for finding in examine(checks)] == ["2", "1"]


def test_who_gives_no_answer_holds_nobody_up_for_longer_than_its_bound() -> None:
    hanging = [Check(f"hangs {n}", lambda: str(NEVER.wait(60)), seconds=0.3) for n in range(5)]
    found = list(examine([*hanging, Check("after", lambda: says("x"), ("hangs 1",)), Check("fine", lambda: says("y"))]))
    assert {finding.health for finding in found[:5]} == {WRONG}
    assert found[0].message == "no answer within 0 seconds: check the network, and that the service is running"
    assert [finding.health for finding in found[5:]] == [SKIPPED, FINE]


def test_checks_are_looked_at_side_by_side() -> None:
    together = threading.Barrier(3)
    checks = [Check(name, lambda: str(together.wait(60) < 3), seconds=60) for name in ("one", "two", "three")]
    assert [(finding.health, finding.message) for finding in examine(checks)] == [(FINE, "True")] * 3


def test_findings_come_as_soon_as_they_are_known() -> None:
    second = threading.Event()
    found = examine([Check("one", lambda: says("1")), Check("two", lambda: str(second.wait(10)))])
    assert next(found).message == "1"
    second.set()
    assert next(found).message == "True"


def test_who_is_alone_begins_when_all_others_are_done() -> None:
    order: list[str] = []

    def note(name: str, wait: float) -> str:
        time.sleep(wait)
        order.append(name)
        return name

    checks = [
        Check("alone", lambda: note("alone", 0), alone=True),
        Check("slow", lambda: note("slow", 0.2)),
        Check("wrong", lambda: fails(CheckFailed("x"))),
    ]
    assert [finding.check for finding in examine(checks)] == ["alone", "slow", "wrong"]
    assert order == ["slow", "alone"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("odd\nbytes"), "ValueError: odd bytes"),
        (PermissionError(13, "denied", "/data"), "PermissionError: [Errno 13] denied: '/data'"),
        (CheckFailed("two\n lines"), "two lines"),
        (RuntimeError("password='hunter2' was refused"), "RuntimeError: *** was refused"),
    ],
)
def test_whatever_goes_wrong_is_one_line_without_secrets(error: Exception, words: str) -> None:
    assert list(examine([Check("odd", lambda: fails(error))])) == [Diagnosis("odd", WRONG, words)]
