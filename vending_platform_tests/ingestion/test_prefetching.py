"""Reading the next batch while this one is loaded changes nothing but the time it takes."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from vending_platform.ingestion import CrashPoint, Watcher, planning
from vending_platform.ingestion.loading import Loader
from vending_platform.storage import LocalPlace
from vending_platform_tests.ingestion.raw_folder import RawFolder, sales_file

DAYS = [f"2024-03-{day:02d}" for day in range(1, 7)]
FILES = {f"sales_VM001_{day.replace('-', '')}.csv": sales_file(day=day) for day in DAYS}


@pytest.fixture
def every_file_is_a_batch() -> Iterator[None]:
    with patch.object(planning, "SMALL", 1):
        yield


@pytest.mark.usefixtures("every_file_is_a_batch")
def test_batches_are_published_in_the_order_of_their_days(raw_folder: RawFolder) -> None:
    raw_folder.deliver(FILES)
    summary = raw_folder.ingest()
    assert [str(version.business_date) for version in summary.loaded] == DAYS
    assert len(raw_folder.rows("select distinct _file_id from raw.sales")) == len(DAYS)


@pytest.mark.usefixtures("every_file_is_a_batch")
def test_a_store_that_fails_while_it_is_read_ahead_stops_the_run_after_what_came_before(raw_folder: RawFolder) -> None:
    raw_folder.deliver(FILES)
    read_many = LocalPlace.read_many

    def failing(place: LocalPlace, files: Iterator[object]) -> Iterator[object]:
        (file,) = files
        if "20240303" in str(file):
            raise ConnectionError("the store is gone")
        return read_many(place, [file])  # type: ignore[list-item]

    with patch.object(LocalPlace, "read_many", failing), pytest.raises(ConnectionError, match="the store is gone"):
        raw_folder.ingest()
    days = raw_folder.rows("select distinct _business_date as day from raw.sales order by 1")
    assert [str(row["day"]) for row in days] == DAYS[:2]
    raw_folder.ingest()
    assert len(raw_folder.ledger()) == len(DAYS)


@pytest.mark.usefixtures("every_file_is_a_batch")
def test_no_more_than_one_batch_is_read_ahead_of_the_one_that_is_loaded(raw_folder: RawFolder) -> None:
    raw_folder.deliver(FILES)
    fetched, loaded, most_ahead = 0, 0, 0
    fetch = Loader.fetch

    def counting(*args: object) -> object:
        nonlocal fetched
        fetched += 1
        return fetch(*args)  # type: ignore[arg-type]

    def on_step(step: CrashPoint) -> None:
        nonlocal loaded, most_ahead
        loaded += step is CrashPoint.READ
        most_ahead = max(most_ahead, fetched - loaded)

    with patch.object(Loader, "fetch", counting):
        raw_folder.ingest(watcher=Watcher(on_step=on_step))
    assert fetched == loaded == len(DAYS)
    assert most_ahead <= 1
