"""What the sensor asks for: everything that is new, once, again if it failed, and never more than is good."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.arrivals import Earlier, Request, decide, plan_requests
from vending_platform.ingestion import Pending

NOW = datetime(2024, 3, 20, 12, 0, tzinfo=UTC)
DAYS = [date(2024, 3, day) for day in range(1, 10)]


def pending(**files: Mapping[date | None, int]) -> Pending:
    return Pending({source: dict(days) for source, days in files.items()}, unchanged=0)


def test_masters_are_one_run_and_contiguous_days_are_one_run() -> None:
    asked = plan_requests(
        pending(
            sales={DAYS[0]: 8, DAYS[1]: 7, DAYS[4]: 1},
            replenishment_records={DAYS[1]: 2},
            products={None: 1},
            staff={None: 1},
        )
    )
    assert list(asked) == [
        Request(("products", "staff"), None, None, 2),
        Request(("replenishment_records", "sales"), DAYS[0], DAYS[1], 17),
        Request(("sales",), DAYS[4], DAYS[4], 1),
    ]


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.dictionaries(st.sampled_from(DAYS), st.integers(1, 9))))
def test_every_new_file_is_asked_for_exactly_once(files: dict[str, dict[date | None, int]]) -> None:
    asked = list(plan_requests(Pending(files, 0)))
    assert sum(request.files for request in asked) == sum(sum(days.values()) for days in files.values())
    covered = [
        request.first_day + timedelta(days=number)
        for request in asked
        if request.first_day is not None and request.last_day is not None
        for number in range((request.last_day - request.first_day).days + 1)
    ]
    assert covered == sorted({day for days in files.values() for day in days if day is not None})


REQUEST = Request(("sales",), DAYS[0], DAYS[1], 3)


def test_what_is_under_way_is_not_asked_for_again() -> None:
    chosen, skipped = decide([REQUEST], {REQUEST: Earlier(is_under_way=True)}, NOW)
    assert (chosen, skipped) == ([], ["2024-03-01..2024-03-02: a run for it is under way"])


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (4, 8), (9, 60)])
def test_what_failed_is_asked_for_again_more_and_more_seldom(failures: int, minutes: int) -> None:
    earlier = {REQUEST: Earlier(failures=failures, last_failed_at=NOW)}
    just_before, then = NOW + timedelta(minutes=minutes, seconds=-1), NOW + timedelta(minutes=minutes)
    assert decide([REQUEST], earlier, just_before)[0] == []
    assert decide([REQUEST], earlier, then)[0] == [REQUEST]


def test_a_flood_is_taken_in_portions_and_says_so() -> None:
    flood = [Request(("sales",), day, day, 1) for day in DAYS]
    chosen, skipped = decide(flood, {}, NOW)
    assert chosen == flood[:5]
    assert len(skipped) == 4
