"""`make proof` says what came of each part, and writes it where it stood before."""

from datetime import date

import pytest

from vending_platform_tests.proofs import FIGURES, Part, as_table, run, with_result

PASSES = Part("says something", ("-c", "print('== 3 passed in 1.2s =='); print()"))
FAILS = Part("fails", ("-c", "import os, sys; print('1 failed'); sys.exit(int(os.environ['CODE']))"), {"CODE": "1"})


def test_each_part_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    results = [run("one", PASSES), run("two", FAILS), run("three", Part("is silent", ("-c", "")))]
    assert "== 3 passed" in capsys.readouterr().out
    lines = as_table(results, date(2026, 11, 30), "abc1234").splitlines()
    assert lines[0] == "On 2026-11-30, at abc1234:"
    assert [line.split(" | ")[2] for line in lines[4:]] == [
        "passed: 3 passed in 1.2s",
        "**failed**: 1 failed",
        "passed",
    ]


def test_the_last_result_takes_the_place_of_the_one_before() -> None:
    page = FIGURES.read_text(encoding="utf-8")
    once = with_result(page, "the first result")
    twice = with_result(once, "the second result")
    assert "the second result" in twice
    assert "the first result" not in twice
    assert twice.replace("the second result", "the first result") == once
    assert twice.split("## Benchmarks")[1] == page.split("## Benchmarks")[1]
