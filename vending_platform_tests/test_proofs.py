"""`make proof` says what came of each part, and writes it where it stood before."""

from datetime import date

import pytest

from vending_platform_tests.proofs import FIGURES, Part, Result, row, run, with_results

DAY = date(2026, 11, 30)
PASSES = Part("says something", ("-c", "print('== 3 passed in 1.2s =='); print()"))
FAILS = Part("fails", ("-c", "import os, sys; print('1 failed'); sys.exit(int(os.environ['CODE']))"), {"CODE": "1"})


def test_each_part_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    results = [run("one", PASSES), run("two", FAILS), run("three", Part("is silent", ("-c", "")))]
    assert "== 3 passed" in capsys.readouterr().out
    assert [row(result, DAY, "abc1234").split(" | ")[2] for result in results] == [
        "passed: 3 passed in 1.2s",
        "**failed**: 1 failed",
        "passed",
    ]


def test_the_last_result_of_a_part_takes_the_place_of_the_one_before() -> None:
    page = FIGURES.read_text(encoding="utf-8")
    first = with_results(page, [result("long", "1 failed"), result("gate", "5 passed")], DAY, "abc1234")
    second = with_results(first, [result("long", "2 passed")], DAY, "def5678")
    assert second.index("| gate |") < second.index("| long |")
    assert "5 passed" in second
    assert "2 passed" in second
    assert "1 failed" not in second
    assert second.split("## Benchmarks")[1] == page.split("## Benchmarks")[1]


def result(part: str, said: str) -> Result:
    return Result(part, "what it does", "failed" not in said, said, 60.0)
