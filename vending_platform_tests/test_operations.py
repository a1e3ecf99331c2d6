"""Observers hear of every operation, in their order, and none of them hides it from another."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from vending_platform import environment, operations
from vending_platform.catalog import Catalog, Source, SystemName, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.extraction import Extracted, Extractor, SystemUnavailable
from vending_platform.ingestion import CrashPoint, Summary
from vending_platform.observers import BytesRead, Operation, Waiting
from vending_platform.opening import Platform
from vending_platform.warehouse import WarehouseError
from vending_platform_tests.end_to_end.small_platform import FILES
from vending_platform_tests.observing import Kept


@pytest.fixture
def platform(tmp_path: Path, catalog: Catalog, manifest_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    (tmp_path / "sources").mkdir()
    for path, content in FILES.items():
        (tmp_path / "sources" / path).write_bytes(content)
    return Platform(environment.load(), read_manifest(DBT_PROJECT_DIR, manifest_cache))


def test_every_observer_hears_of_the_start_the_progress_and_the_result(platform: Platform) -> None:
    first, second = Kept(), Kept()
    summary = operations.ingest(platform.observed_by(first).observed_by(second))
    for kept in (first, second):
        assert (kept.begun, kept.results, kept.errors) == ([Operation.INGEST], [summary], [])
        assert CrashPoint.COMMITTED in kept.events
        read = [event for event in kept.events if isinstance(event, BytesRead)]
        assert read[-1].done == read[-1].total > 0
    assert first.events == second.events


def test_a_failure_is_heard_of_too_and_stays_a_failure(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = WarehouseError("the disk is full: make room")

    def refuse(*_: object, **__: object) -> Summary:
        raise refused

    monkeypatch.setattr("vending_platform.ingestion.ingest", refuse)
    kept = Kept()
    with pytest.raises(WarehouseError):
        operations.ingest(platform.observed_by(kept))
    assert (kept.begun, kept.results, kept.errors) == ([Operation.INGEST], [], [refused])


def test_waiting_for_another_process_is_progress(platform: Platform) -> None:
    kept = Kept()
    platform.observed_by(kept).watcher.on_wait("vending run of another terminal")
    assert kept.events == [Waiting("vending run of another terminal")]


def test_a_system_that_does_not_answer_stops_no_other(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    extracted = []

    def extractor_of(_: object, system: SystemName, __: object) -> Extractor:
        def extract(sources: Sequence[Source], *_: object) -> list[Extracted]:
            if system.name == "weather":
                raise SystemUnavailable("weather did not answer")
            extracted.append(system.name)
            return [Extracted(source.name, date(2024, 3, 10)) for source in sources]

        return extract

    source = next(iter(platform.catalog))
    systems = [SystemName("api", name) for name in ("holidays", "weather", "tides")]
    monkeypatch.setattr("vending_platform.extraction.by_system", lambda _: {system: [source] for system in systems})
    monkeypatch.setattr("vending_platform.extraction.extractor_of", extractor_of)
    done = operations.extract(platform)
    assert extracted == ["holidays", "tides"]
    assert [one.problem for one in done.sources] == [None, None]
    assert [str(failure) for failure in done.failures] == ["weather did not answer"]
