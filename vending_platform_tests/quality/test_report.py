"""The report opens from a disk, asks nobody for anything, and shows data as words."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from vending_platform.quality import Quality, Score, from_json, report
from vending_platform.quality.failures import Failure, File, KeptRow
from vending_platform.quality.report import sparkline
from vending_platform.quality.scores import PastRun

NASTY = "<script>alert('&\"')</script>"


def score(day: int = 1, value: float = 100.0, dataset: str = "raw.sales", **other: object) -> Score:
    found = Score(dataset, f"2024-03-{day:02d}", value, None, {"validity": value}, 3, 0, 0, 0, None)
    return replace(found, **other)  # type: ignore[arg-type]


FAILURE = Failure(
    dataset=NASTY,
    day="2024-03-02",
    check=NASTY,
    column=NASTY,
    dimension="validity",
    severity="warn",
    status="failed",
    failed_rows=1,
    total_rows=10,
    expected=NASTY,
    actual=NASTY,
    message=NASTY,
    partition="2024-03-01 to 2024-03-02",
    rows=[KeptRow({NASTY: NASTY}, "a.csv", 3, NASTY)],
    files=[File(NASTY, "f" * 64)],
    files_in_all=9,
)
FOUND = Quality(
    "2024-03-20T00:00:00+00:00",
    [PastRun("r1", NASTY, "failed", NASTY, "2024-03-20T00:00:00+00:00", 5, 1, 1)],
    [score(1), score(2, 80.0, warned=1, trend=-20.0, days_since_failure=0), score(2, dataset=NASTY)],
    [FAILURE],
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_asks_nobody_and_runs_nothing() -> None:
    page = report(FOUND)
    tags = Tags()
    tags.feed(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.found)
    assert not re.search(r"https?:|@import|url\(|src=|href=", page)


def test_whatever_the_data_says_is_shown_as_words() -> None:
    tags = Tags()
    tags.feed(report(FOUND))
    assert tags.text.count(NASTY) >= 10
    for told in ("80.0", "▼ 20.0", "1 warn", "1 of 10", "2024-03-01 to 2024-03-02", "and 8 more files", "f" * 12):
        assert told in tags.text, told


def test_a_line_has_a_point_a_day_and_a_dot_where_something_did_not_pass() -> None:
    svg = sparkline([score(1), score(2, 80.0, warned=1), score(3)], width=106, height=26)
    # From 80 at the bottom (23) to 100 at the top (3); three days over a hundred points.
    assert 'points="3.0,3.0 53.0,23.0 103.0,3.0"' in svg
    assert svg.count("<circle") == 1


def test_nothing_yet_is_a_page_too() -> None:
    assert "nothing of that yet" in report(Quality("2024-03-20T00:00:00+00:00", [], [], []))


def test_what_is_published_for_readers_can_be_read_again() -> None:
    assert from_json(FOUND.as_json()) == FOUND


def test_a_day_shows_what_was_known_until_then_and_fails_then() -> None:
    chosen = FOUND.chosen(date(2024, 3, 1), None)
    assert ([one.day for one in chosen.scores], chosen.failures) == (["2024-03-01"], [])
    chosen = FOUND.chosen(None, "SALES")
    assert {one.dataset for one in chosen.scores} == {"raw.sales"}
    assert FOUND.latest[-1] == score(2, 80.0, warned=1, trend=-20.0, days_since_failure=0)


def test_a_damaged_copy_counts_as_none() -> None:
    assert [from_json(text) for text in (None, "", "{", "[1]", '{"as_of": "2024-03-01"}')] == [None] * 5
