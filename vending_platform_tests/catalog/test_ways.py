"""Ways are merged so that many models have the same; what they read, and what reads them, must not change by it."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog.reach import EVERYTHING, MONTH, SAME_DAY, Reach, Way

DAYS = st.dates(date(2024, 1, 1), date(2024, 12, 31))
REACHES = st.one_of(
    st.sampled_from([SAME_DAY, MONTH, EVERYTHING]), st.builds(Reach, st.integers(0, 70), st.integers(0, 70))
)
CHAINS = st.lists(REACHES, max_size=4)


def way_of(reaches: list[Reach]) -> Way:
    """As a model's is put together: from the source to the model."""
    way = Way()
    for reach in reversed(reaches):
        way = way.begun_with(reach)
    return way


@given(CHAINS, DAYS, st.integers(0, 40))
def test_a_way_reads_what_its_reaches_read_one_after_the_other(reaches: list[Reach], first: date, more: int) -> None:
    there = back = (first, first + timedelta(days=more))
    for reach in reaches:
        there = reach.covered(*there)
    for reach in reversed(reaches):
        back = reach.reached(*back)
    if EVERYTHING in reaches:
        there = back = (date.min, date.max)
    way = way_of(reaches)
    assert way.covered(first, first + timedelta(days=more)) == there
    assert way.reached(first, first + timedelta(days=more)) == back


@given(CHAINS, CHAINS, DAYS)
def test_two_ways_in_one_read_what_both_read(some: list[Reach], others: list[Reach], day: date) -> None:
    one, two = way_of(some), way_of(others)
    merged = one.merged_with(two)
    if merged is None:
        assert one.has_months or two.has_months
        return
    for read, by_one, by_two in (
        (merged.covered(day, day), one.covered(day, day), two.covered(day, day)),
        (merged.reached(day, day), one.reached(day, day), two.reached(day, day)),
    ):
        assert read == (min(by_one[0], by_two[0]), max(by_one[1], by_two[1]))


def test_days_after_days_are_one_reach() -> None:
    assert way_of([Reach(28), Reach(35, 7)]) == Way((Reach(63, 7),))
    assert way_of([Reach(28), SAME_DAY, MONTH, Reach(1), Reach(2)]) == Way((Reach(28), MONTH, Reach(3)))
