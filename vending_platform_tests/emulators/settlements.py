"""The payment processor with the settlements of the sample's sales: `python -m` this module writes the deliveries that
the repository's sample has, as an extraction would of a service that a person has connected.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

from payments_simulator import simulate
from vending_platform.catalog import Source, load_catalog
from vending_platform.connections import open_connection
from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR, ApiAuth, ApiSettings, load
from vending_platform.extraction import ChosenDays, Extracted, Workplace
from vending_platform.extraction.web.client import Clock
from vending_platform.extraction.web.running import extract_api
from vending_platform.storage import LocalPlace
from vending_platform_tests.connections.people import connect, connection_at
from vending_platform_tests.emulators.payments import PaymentProcessor, payment_processor

SOURCES = PROJECT_DIR / "data" / "sources"
SAMPLE_TAKEN_AT = datetime(2024, 6, 30, 17, tzinfo=UTC)
"""When all of it is paid out that ever will be."""
SAMPLE_DAYS = ChosenDays(date(2024, 3, 1), date(2024, 3, 14))


@contextmanager
def settling_processor(sources: Path = SOURCES, *, seed: int = 1) -> Iterator[PaymentProcessor]:
    settled = simulate(sources, seed=seed)
    records = {day: [line.as_record() for line in lines] for day, lines in settled.lines.items()}
    with payment_processor(PaymentProcessor(page_size=4, settlements=records)) as processor:
        yield processor


def api_at(address: str) -> ApiSettings:
    return ApiSettings(
        url=address,
        auth=ApiAuth.OAUTH,
        secret=None,
        sent_as=None,
        requests_a_minute=100_000,
        timeout=10,
        attempts=4,
        longest_wait=60,
    )


def extract_settlements(
    processor: PaymentProcessor, source: Source, raw: Path, folder: Path, days: ChosenDays | None, now: datetime
) -> Extracted:
    """With the connection that is in the folder. No one waits for anything."""
    place = Workplace(LocalPlace(raw), LocalPlace(folder / "work"), folder / "scratch")
    (done,) = extract_api(
        "payments",
        api_at(processor.address),
        None,
        [source],
        place,
        days,
        Clock(sleep=lambda _: None, today=lambda: now),
        lambda _: connection_at(processor.address, folder),
    )
    return done


def connect_in(variables: Mapping[str, str]) -> None:
    """What a person does on the connect page of the laptop that these variables describe."""
    with patch.dict(os.environ, variables):
        environment = load()
    work = LocalPlace(Path(environment.places.work))
    connect(open_connection(environment, "payments", work), work)


def write_sample(raw: Path) -> None:
    with tempfile.TemporaryDirectory() as name, settling_processor() as processor:
        folder = Path(name)
        source = load_catalog(DBT_PROJECT_DIR, folder / "manifest").source("settlements")
        connect(connection_at(processor.address, folder), LocalPlace(folder / "work"))
        extract_settlements(processor, source, raw, folder, SAMPLE_DAYS, SAMPLE_TAKEN_AT)


if __name__ == "__main__":
    write_sample(SOURCES)
