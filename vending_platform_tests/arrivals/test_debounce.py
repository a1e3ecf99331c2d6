"""When the files of a day are ripe for a run, and why not yet."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vending_platform.arrivals import LONGEST_WAIT, QUIET, ArrivedFile, Request, gather
from vending_platform.catalog import Catalog
from vending_platform_tests.arrivals.simulated_queue import BEGUN as NOW

SECOND = timedelta(seconds=1)


def sales(day: int, machine: int = 1, *, ago: timedelta = timedelta(hours=1)) -> ArrivedFile:
    return ArrivedFile(f"sales/sales_VM{machine:03d}_202403{day:02d}.csv", "e", "1", 5, NOW - ago)


def master(name: str, *, ago: timedelta = timedelta(hours=1)) -> ArrivedFile:
    return ArrivedFile(f"master-data/{name}", "e", "1", 5, NOW - ago)


def asked(catalog: Catalog, *notices: ArrivedFile, under_way: Sequence[Request] = (), now: datetime = NOW) -> list[str]:
    return [one.request.about for one in gather(catalog, notices, under_way, now)[0]]


def test_contiguous_days_are_one_run_and_everything_without_a_day_is_another(catalog: Catalog) -> None:
    notices = [sales(1), sales(1, 2), sales(2), sales(4), master("products.csv"), master("staff.csv"), master("x.txt")]
    ripe, waiting = gather(catalog, notices, (), NOW)
    assert [(one.request.about, one.request.files, set(one.notices)) for one in ripe] == [
        ("products,staff,undeclared files", 3, set(notices[4:])),
        ("2024-03-01..2024-03-02", 3, set(notices[:3])),
        ("2024-03-04..2024-03-04", 1, {notices[3]}),
    ]
    assert waiting == []


def test_a_day_is_ripe_when_nothing_came_for_a_while(catalog: Catalog) -> None:
    assert asked(catalog, sales(5, ago=QUIET)) == ["2024-03-05..2024-03-05"]
    ripe, waiting = gather(catalog, [sales(5, ago=QUIET - SECOND), sales(5, 2, ago=QUIET + SECOND)], (), NOW)
    assert ripe == []
    assert waiting == [
        "2024-03-05..2024-03-05: still arriving; loaded after 2 minutes without a file, at 09:12:59 UTC at the latest"
    ]


def test_a_day_that_never_is_quiet_waits_no_longer_than_the_longest_wait(catalog: Catalog) -> None:
    assert asked(catalog, sales(5, ago=timedelta(0)), sales(5, 2, ago=LONGEST_WAIT)) == ["2024-03-05..2024-03-05"]
    assert asked(catalog, sales(5, ago=timedelta(0)), sales(5, 2, ago=LONGEST_WAIT - SECOND)) == []


def test_a_day_that_still_arrives_keeps_no_other_waiting(catalog: Catalog) -> None:
    notices = sales(1), sales(2, ago=SECOND), sales(3), master("staff.csv", ago=SECOND)
    assert asked(catalog, *notices) == ["2024-03-01..2024-03-01", "2024-03-03..2024-03-03"]


def test_what_came_while_a_run_is_under_way_waits_for_the_next(catalog: Catalog) -> None:
    under_way = [Request(("sales",), date(2024, 3, 2), date(2024, 3, 3), 9), Request(("staff",), None, None, 1)]
    notices = [sales(1), sales(2), sales(3), sales(4), master("products.csv")]
    ripe, waiting = gather(catalog, notices, under_way, NOW)
    assert [one.request.about for one in ripe] == ["2024-03-01..2024-03-01", "2024-03-04..2024-03-04"]
    assert waiting == [
        f"{what}: a run for it is under way, and the files that came since wait for its end"
        for what in ("files without a day", "2024-03-02..2024-03-03")
    ]


def test_a_clock_that_is_far_ahead_keeps_nothing_waiting_for_it(catalog: Catalog) -> None:
    assert asked(catalog, sales(5, ago=timedelta(days=-400))) == ["2024-03-05..2024-03-05"]
    assert asked(catalog, sales(5, ago=timedelta(days=-400)), sales(5, 2, ago=SECOND)) == []
    assert asked(catalog, sales(5, ago=-SECOND)) == []


def test_days_that_wait_are_reported_together_whatever_the_second_of_their_last_file(catalog: Catalog) -> None:
    notices = [sales(day, ago=day * SECOND) for day in (3, 1, 2, 6)]
    _, waiting = gather(catalog, notices, (), NOW)
    assert waiting == [
        f"{days}: still arriving; loaded after 2 minutes without a file, at {latest} UTC at the latest"
        for days, latest in (("2024-03-01..2024-03-03", "09:14:59"), ("2024-03-06..2024-03-06", "09:14:54"))
    ]


def test_a_flood_of_reasons_is_told_in_a_few_lines(catalog: Catalog) -> None:
    _, waiting = gather(catalog, [sales(day, ago=SECOND) for day in range(1, 22, 2)], (), NOW)
    assert len(waiting) == 11
    assert waiting[-1] == "and 1 more that wait"


NOTICES = st.builds(
    sales,
    st.integers(1, 19),
    st.integers(1, 3),
    ago=st.timedeltas(timedelta(minutes=-30), timedelta(minutes=30)),
)


@given(st.lists(NOTICES), st.integers(1, 19), st.integers(0, 4))
def test_every_notice_is_in_one_run_or_waits_for_a_reason(
    catalog: Catalog, notices: list[ArrivedFile], first: int, more: int
) -> None:
    under_way = [Request(("sales",), date(2024, 3, first), date(2024, 3, first + more), 1)]
    ripe, waiting = gather(catalog, notices, under_way, NOW)
    for one in ripe:
        assert not one.request.overlaps(under_way[0])
        assert one.request.files == len({notice.path for notice in one.notices})
    gathered = [notice for one in ripe for notice in one.notices]
    assert len(gathered) <= len(notices)
    left = {n for n in notices if n not in gathered}
    assert bool(left) == bool(waiting)
    late = NOW + LONGEST_WAIT + timedelta(hours=1)
    everything = [notice for one in gather(catalog, notices, (), late)[0] for notice in one.notices]
    assert sorted(n.key for n in everything) == sorted(n.key for n in notices)
