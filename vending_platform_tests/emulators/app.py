"""The app's table in an emulated DynamoDB: `python -m` this module writes the deliveries that the repository's sample
has of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from app_simulator import App, fill, simulate
from vending_platform.catalog import load_catalog
from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR, ItemTableSettings
from vending_platform.extraction import Workplace, dynamodb
from vending_platform.storage import LocalPlace
from vending_platform_tests.emulators.aws import REGION, EmulatedAws, emulated_aws
from vending_platform_tests.emulators.dynamodb import ExportEmulator, emulated_exports

SAMPLE_TAKEN_AT = datetime(2024, 3, 15, 5, tzinfo=UTC)
TABLE, BUCKET = "app", "vending-app-exports"
EXPORTS = f"s3://{BUCKET}/internal/dynamodb-exports"
_FLEET = PROJECT_DIR / "data" / "sources"


@dataclass(frozen=True)
class AppServer:
    """DynamoDB and S3 on this machine, with the app in them."""

    aws: EmulatedAws
    emulator: ExportEmulator
    app: App

    @property
    def settings(self) -> ItemTableSettings:
        return ItemTableSettings(
            table=TABLE,
            region=REGION,
            endpoint=self.aws.endpoint,
            exports=EXPORTS,
            wait_minutes=5,
            warn_days=7,
            scan_units=500,
        )


@contextmanager
def app_server(now: datetime | None = None, *, seed: int = 1) -> Iterator[AppServer]:
    """It is `now` there, and the app was filled an hour before; without a time it was filled now, and time passes."""
    with emulated_aws() as aws, emulated_exports(aws) as emulator:
        aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        emulator.set_to = now - timedelta(hours=1) if now is not None else None
        emulator.create_table(TABLE, "pk", "sk", recovery_since=emulator.now - timedelta(hours=1))
        app = simulate(_FLEET, seed=seed)
        fill(emulator.client, TABLE, app)
        emulator.set_to = now
        yield AppServer(aws, emulator, app)


def write_sample(raw: Path) -> None:
    """The app's items as deliveries of the sample."""
    with tempfile.TemporaryDirectory() as name, app_server(SAMPLE_TAKEN_AT) as server:
        folder = Path(name)
        catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
        sources = [source for source in catalog if source.extract is not None and source.extract.system.name == TABLE]
        place = Workplace(LocalPlace(raw), LocalPlace(folder / "work"), folder / "scratch")
        table = replace(dynamodb.item_table(TABLE, server.settings, None), now=lambda: SAMPLE_TAKEN_AT)
        for done in dynamodb.extract(table, sources, place):
            typer.echo(f"{done.path or done.problem}: {done.rows} rows, {done.bytes} bytes")


if __name__ == "__main__":
    write_sample(_FLEET)
