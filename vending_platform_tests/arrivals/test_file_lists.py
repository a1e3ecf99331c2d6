"""The list of a run's files is there as long as somebody may ask for it."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from vending_platform.arrivals import ArrivedFile, Lists, Request
from vending_platform.storage import LocalPlace

NOW = datetime(2024, 3, 20, tzinfo=UTC)
REQUEST = Request(("sales",), date(2024, 3, 5), date(2024, 3, 6), 0)
NOTICES = [ArrivedFile(f"売上/sales_VM{n:03d}_20240305.csv", "e", str(n), 5, NOW) for n in range(3)]


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path)


@pytest.mark.parametrize("request_", [REQUEST, Request(("products", "staff"), None, None, 0)], ids=["days", "no day"])
def test_a_list_is_read_by_any_process_as_it_was_kept(place: LocalPlace, request_: Request) -> None:
    kept = Lists(place).keep(request_, [*NOTICES, NOTICES[0]])
    assert kept.files == 3
    files = Lists(place).read(str(kept.listed))
    assert files is not None
    assert files.request == kept
    assert files.keys == {notice.key for notice in NOTICES}
    assert files.paths == {notice.path for notice in NOTICES}
    assert kept.config == {"listed": kept.listed}


def test_the_same_files_have_the_same_list_whatever_their_order(place: LocalPlace) -> None:
    kept = {Lists(place).keep(REQUEST, order).listed for order in (NOTICES, NOTICES[::-1])}
    assert len(kept) == 1
    assert kept.isdisjoint({Lists(place).keep(REQUEST, NOTICES[:2]).listed})


@pytest.mark.parametrize("name", ["0" * 32, "../secret", "", "0" * 31 + "/"])
def test_what_was_never_kept_is_no_list(place: LocalPlace, name: str) -> None:
    assert Lists(place).read(name) is None


def test_lists_are_forgotten_when_nobody_can_ask_for_them_any_more(place: LocalPlace) -> None:
    old, young = (Lists(place).keep(REQUEST, [notice]).listed for notice in NOTICES[:2])
    then = (NOW - timedelta(days=31)).timestamp()
    os.utime(place.folder / "arrivals" / f"{old}.json", (then, then))
    then = (NOW - timedelta(days=29)).timestamp()
    os.utime(place.folder / "arrivals" / f"{young}.json", (then, then))
    assert Lists(place).forget(NOW) == 1
    assert Lists(place).read(str(old)) is None
    assert Lists(place).read(str(young)) is not None


def test_a_process_does_not_remember_more_than_it_has_room_for(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vending_platform.arrivals.file_lists._REMEMBERED", 4)
    lists = Lists(place)
    names = [str(lists.keep(REQUEST, NOTICES[: n + 1]).listed) for n in range(3)]
    for name in names:
        assert lists.read(name) is not None
    for file in list(place.files("arrivals")):
        place.delete(file.path)
    assert [lists.read(name) is not None for name in names] == [False, False, True]
