"""Settlements of a connected payment processor become deliveries: all of them, as often as it corrects them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from payments_simulator import simulate
from vending_platform.catalog import Source
from vending_platform.extraction import ChosenDays, Extracted
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.people import PAGE, connect, connection_at
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.payments import DROPPED, PaymentProcessor, Reply
from vending_platform_tests.emulators.settlements import (
    SAMPLE_DAYS,
    SAMPLE_TAKEN_AT,
    SOURCES,
    extract_settlements,
    settling_processor,
)

NOON = datetime(2024, 3, 12, 3, tzinfo=UTC)


@dataclass
class Settling:
    processor: PaymentProcessor
    source: Source
    folder: Path

    def connect(self) -> None:
        connect(connection_at(self.processor.address, self.folder), LocalPlace(self.folder / "work"))

    def extract(self, days: ChosenDays | None = SAMPLE_DAYS, now: datetime = SAMPLE_TAKEN_AT) -> Extracted:
        return extract_settlements(self.processor, self.source, self.folder / "raw", self.folder, days, now)

    def delivered(self) -> dict[str, list[dict[str, Any]]]:
        """What the newest delivery of each day holds, as the processor reports it."""
        found = {}
        for path in sorted((self.folder / "raw" / "external").glob("*.parquet")):
            rows = pq.read_table(path).to_pylist()
            found[rows[0]["sales_date"].isoformat()] = [json.loads(json.dumps(row, default=str)) for row in rows]
        return found

    def reported(self) -> dict[str, list[dict[str, Any]]]:
        return {day: [dict(line) for line in lines] for day, lines in self.processor.settlements.items()}


@pytest.fixture
def settling(core: Core, tmp_path: Path) -> Iterator[Settling]:
    (tmp_path / "raw").mkdir()
    with settling_processor() as processor:
        yield Settling(processor, core.catalog.source("settlements"), tmp_path)


def by_id(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: str(line["settlement_id"]))


def test_all_that_the_processor_reports_is_delivered_in_pages_and_through_faults(settling: Settling) -> None:
    """A page that breaks off, too many requests, a server that fails, and a token that ends in the middle."""
    settling.connect()
    faults = iter([None, DROPPED, Reply(429, headers={"Retry-After": "1"}), None, Reply(503)])

    def fault(asked: Any) -> Reply | None:
        settling.processor.pass_time(240)  # the first access token ends after fifteen requests
        return next(faults, None) if asked.path == "/v1/settlements" else None

    settling.processor.fault = fault
    done = settling.extract()
    assert done.problem is None
    assert {day: by_id(lines) for day, lines in settling.delivered().items()} == {
        day: by_id(lines) for day, lines in settling.reported().items()
    }
    assert done.rows == sum(map(len, settling.reported().values())) > 100
    assert settling.processor.refreshes() >= 1


def test_what_is_corrected_weeks_later_is_delivered_again_and_nothing_else(settling: Settling) -> None:
    settling.connect()
    settling.extract(None, NOON)
    first = settling.delivered()
    assert settling.extract(None, NOON).path is None, "nothing changed"
    corrected = dict(settling.processor.settlements)
    corrected["2024-03-04"] = [dict(line, net_amount=0, gross_amount=0) for line in corrected["2024-03-04"]]
    settling.processor.settlements = corrected
    settling.extract(None, datetime(2024, 5, 1, 3, tzinfo=UTC))
    changed = settling.delivered()
    assert [day for day in first if changed[day] != first[day]] == ["2024-03-04"]
    assert by_id(changed["2024-03-04"]) == by_id(settling.reported()["2024-03-04"])


def test_a_processor_that_is_not_connected_stops_no_other_system(settling: Settling) -> None:
    """It is a problem of its sources alone, with the page on which a person connects it."""
    done = settling.extract()
    assert done.problem == f"payments is not connected yet: connect it at {PAGE}, or by `vending connect payments`"
    assert settling.processor.asked == []
    settling.connect()
    settling.processor.revoke_everything()
    problem = settling.extract().problem
    assert problem is not None
    assert "the consent was revoked" in problem
    settling.connect()
    assert settling.extract().problem is None
    assert settling.delivered().keys() == settling.reported().keys()


def test_no_token_is_in_a_delivery_or_beside_it(settling: Settling) -> None:
    settling.connect()
    settling.extract()
    kept = {settling.folder / "payments.json"}
    files = [path for path in settling.folder.rglob("*") if path.is_file() and path not in kept]
    assert len(files) > 14
    found = [path for path in files for secret in settling.processor.issued if secret.encode() in path.read_bytes()]
    assert found == []


def test_the_sample_is_what_an_extraction_delivers(settling: Settling) -> None:
    settling.connect()
    settling.extract()
    made = {path.name: pq.read_table(path) for path in (settling.folder / "raw" / "external").iterdir()}
    sample = {path.name: pq.read_table(path) for path in (SOURCES / "external").glob("settlements_*.parquet")}
    assert made == sample


def test_the_simulator_says_what_it_got_wrong() -> None:
    settled, again = simulate(SOURCES, seed=1), simulate(SOURCES, seed=1)
    assert settled == again
    lines = {line.settlement_id: line for of_day in settled.lines.values() for line in of_day}
    assert all(line.net_amount == line.gross_amount - line.fee_amount for line in lines.values())
    short, dear, claimed, unpaid = settled.planted
    assert lines[f"ST-{short.sales_date.replace('-', '')}-{short.payment_method_id}-sale"].paid_on is not None
    assert dear.yen >= 40
    (chargeback,) = (line for line in lines.values() if line.kind == "chargeback")
    assert (chargeback.sales_date, -chargeback.gross_amount) == (claimed.sales_date, claimed.yen)
    assert [line.sales_date for line in lines.values() if line.paid_on is None] == [unpaid.sales_date]
    before = simulate(SOURCES, seed=1, paid_until=date(2024, 3, 29))
    assert all(line.paid_on is None for of_day in before.lines.values() for line in of_day)
