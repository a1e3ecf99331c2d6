"""A function that fails takes with it what needs it, and nothing else; no one ever sees a value that is not one."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pytest

from vending_platform.analysis import FunctionNode, FunctionObserver, Pipeline, PipelineError, analyse
from vending_platform.analysis.functions import Keys
from vending_platform.analysis.pipeline import pipeline_of
from vending_platform.analysis.results import TooFewRows
from vending_platform_tests.analysis import functions

LOANS = pl.DataFrame({"reader": ["ann", "bob", "ann"], "books": ["1", "5", "2"]})


def pipeline() -> Pipeline:
    return pipeline_of(functions)


class Heard(FunctionObserver):
    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.results: dict[str, Any] = {}

    def started(self, function: FunctionNode, inputs: Mapping[str, Any]) -> None:
        assert set(inputs) == set(function.inputs)
        self.events.append(("started", function.name))

    def completed(self, function: FunctionNode, inputs: Mapping[str, Any], result: Any) -> None:
        assert set(inputs) == set(function.inputs)
        self.events.append(("completed", function.name))
        self.results[function.name] = result

    def failed(self, function: FunctionNode, inputs: Mapping[str, Any], error: Exception) -> None:
        assert set(inputs) == set(function.inputs)
        self.events.append(("failed", function.name))

    def skipped(self, function: FunctionNode, because: tuple[str, ...]) -> None:
        self.events.append(("skipped", f"{function.name} because of {', '.join(because)}"))


def test_a_good_run_delivers_all_results() -> None:
    done = analyse(pipeline(), {"loans": LOANS})
    assert done.is_whole
    assert done.problem is None
    assert set(done.results) == {"books_per_reader", "most_books", "all_books"}
    assert done.results["books_per_reader"].rows() == [("ann", 3), ("bob", 5)]
    assert done.results["most_books"].rows() == [("bob", 5)]


def test_only_what_is_needed_for_a_result_is_computed() -> None:
    heard = Heard()
    done = analyse(pipeline(), {"loans": LOANS}, only=["all_books"], observers=[heard])
    assert set(done.results) == {"all_books"}
    assert {name for _, name in heard.events} == {"tidy_loans", "all_books"}


def test_a_function_that_raises_takes_with_it_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    good = analyse(pipeline(), {"loans": LOANS})
    heard = Heard()

    def broken(tidy_loans: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no\nbooks")

    broken.__name__, broken.__module__ = "books_per_reader", functions.__name__
    monkeypatch.setattr(functions, "books_per_reader", broken)
    done = analyse(pipeline(), {"loans": LOANS}, observers=[heard])
    assert {missing.function: missing.reason for missing in done.missing} == {
        "books_per_reader": "ValueError: no books; it was given tidy_loans (3 rows × 2 columns)",
        "most_books": "it needs books_per_reader, which failed",
    }
    assert done.missing[1].because_of == ("books_per_reader",)
    assert "most_books is missing: it needs books_per_reader" in str(done.problem)
    assert done.failure == done.problem
    assert set(done.results) == {"all_books"}
    assert done.results["all_books"].equals(good.results["all_books"])
    assert heard.events == [
        ("started", "tidy_loans"),
        ("completed", "tidy_loans"),
        ("started", "all_books"),
        ("completed", "all_books"),
        ("started", "books_per_reader"),
        ("failed", "books_per_reader"),
        ("skipped", "most_books because of books_per_reader"),
    ]


def test_too_few_rows_leave_a_result_out_and_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(tidy_loans: pl.DataFrame) -> pl.DataFrame:
        raise TooFewRows("14 days are needed")

    early.__name__, early.__module__ = "books_per_reader", functions.__name__
    monkeypatch.setattr(functions, "books_per_reader", early)
    done = analyse(pipeline(), {"loans": LOANS})
    assert set(done.results) == {"all_books"}
    assert {missing.function: missing.is_early for missing in done.missing} == {
        "books_per_reader": True,
        "most_books": True,
    }
    assert "14 days are needed" in str(done.problem)
    assert done.failure is None


def test_a_part_that_fails_is_named_although_it_is_no_result() -> None:
    done = analyse(pipeline(), {"loans": LOANS.with_columns(pl.lit("many").alias("books"))})
    assert done.results == {}
    assert done.missing[0].function == "tidy_loans"
    assert not done.missing[0].is_result
    assert {missing.because_of for missing in done.missing[1:]} == {("tidy_loans",)}


def test_a_function_that_returns_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(books_per_reader: pl.DataFrame) -> pl.DataFrame:
        return None  # type: ignore[return-value]  # what is tested

    forgetful.__name__, forgetful.__module__ = "most_books", functions.__name__
    monkeypatch.setattr(functions, "most_books", forgetful)
    done = analyse(pipeline(), {"loans": LOANS})
    assert set(done.results) == {"books_per_reader", "all_books"}
    assert done.missing[0].reason.startswith("TypeError: it returned nothing")


def test_a_check_that_must_pass_keeps_its_result_back() -> None:
    done = analyse(pipeline(), {"loans": LOANS.with_columns(pl.lit("0").alias("books"))})
    assert done.missing[0].reason == (
        "a check failed (books is less than 1 in 2 of 2 rows); it was given tidy_loans (3 rows × 2 columns)"
    )
    assert set(done.results) == {"all_books"}
    verdicts = {(check.function, check.check): check for check in done.checks}
    assert not verdicts["books_per_reader", "at_least"].passed
    assert verdicts["books_per_reader", "keys"].passed


def test_a_check_that_only_warns_keeps_nothing_back() -> None:
    done = analyse(pipeline(), {"loans": LOANS})
    (warned,) = [check for check in done.checks if not check.passed]
    assert (warned.function, warned.check, warned.must_pass) == ("all_books", "at_least", False)
    assert warned.message == "books is less than 10 in 1 of 1 rows"


def test_a_check_that_can_not_be_executed_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Keys, rows: pl.DataFrame) -> Iterator[tuple[str, int]]:
        raise KeyError("reader")

    monkeypatch.setattr(Keys, "_broken", broken)
    done = analyse(pipeline(), {"loans": LOANS})
    assert set(done.results) == {"all_books"}
    assert "a check failed (it could not be checked: KeyError: 'reader')" in done.missing[0].reason


def test_what_was_not_given_is_named() -> None:
    with pytest.raises(PipelineError, match="functions needs loans, which it was not given"):
        analyse(pipeline(), {})


def test_a_result_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(PipelineError, match=r"has no result more_books; there are: all_books, books_per_reader"):
        analyse(pipeline(), {"loans": LOANS}, only=["more_books"])
