"""The web shop's database and a service with the weather on this machine: `make demo-lake` extracts them, loads and
transforms what it got, and goes on: `python -m` this module. With `--sample` it writes the deliveries that the
repository's sample has.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import typer

import app_simulator
from shop_simulator import Shop, fill, forget_customer, goods_of, late_order, new_column, one_more_day, simulate
from vending_platform.catalog import load_catalog
from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR, DatabaseSettings
from vending_platform.extraction import System, SystemSnapshot, Workplace, extract, mysql
from vending_platform.storage import LocalPlace
from vending_platform_tests.emulators.app import TABLE, AppServer, app_server
from vending_platform_tests.emulators.mariadb import MariaDb, make_empty, running_mariadb
from vending_platform_tests.emulators.settlements import connect_in, settling_processor
from vending_platform_tests.emulators.weather import weather_services, write_weather

SAMPLE_TAKEN_AT = datetime(2024, 3, 15, 17, tzinfo=UTC)
_OF_THE_APP = [f"app_{kind}" for kind in ("check_ins", "customers", "machine_reports", "photos", "refund_requests")]
_PRODUCTS = PROJECT_DIR / "data" / "sources" / "products.csv"
_NEEDS_A_PERSON = 3


@contextmanager
def shop_server(folder: Path, *, seed: int = 1) -> Iterator[MariaDb]:
    """A server with the simulated shop."""
    empty = folder / "empty"
    empty.mkdir()
    make_empty(empty)
    with running_mariadb(empty, folder) as server:
        server.run("create database shop character set utf8mb4")
        with server.connect("shop") as connection:
            fill(connection, simulate(goods_of(_PRODUCTS), seed=seed))
        yield server


@dataclass(frozen=True)
class _OfTheSample:
    """A system whose snapshots are of the evening on which the sample ends."""

    system: System

    @contextmanager
    def snapshot(self) -> Iterator[SystemSnapshot]:
        with self.system.snapshot() as snapshot:
            yield replace(snapshot, taken_at=SAMPLE_TAKEN_AT)  # type: ignore[type-var]  # a frozen dataclass of ours


def write_sample(raw: Path) -> None:
    """The shop's tables, the weather and the holidays as deliveries of the sample."""
    for done in write_weather(raw):
        typer.echo(f"{done.path}: {done.rows} rows, {done.bytes} bytes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
        sources = [source for source in catalog if source.extract is not None and source.extract.system.name == "shop"]
        place = Workplace(LocalPlace(raw), LocalPlace(folder / "work"), folder / "scratch")
        with shop_server(folder) as server:
            settings = DatabaseSettings(server.url("shop"), None, False, None, 5)
            for done in extract(_OfTheSample(mysql.system("shop", settings, None)), sources, place):
                typer.echo(f"{done.path}: {done.rows} rows, {done.bytes} bytes")


def demo() -> int:
    """What happens to a shop in two nights, through the real commands."""
    with (
        tempfile.TemporaryDirectory() as name,
        shop_server(Path(name), seed=2) as server,
        app_server(seed=2) as app,
        settling_processor() as processor,
        weather_services(date(2024, 3, 11)) as (weather, addresses),
    ):
        data = Path(name) / "data"
        extracted = shutil.ignore_patterns("shop", "app", "external", "weather")
        shutil.copytree(PROJECT_DIR / "data" / "sources", data / "sources", ignore=extracted)
        variables = os.environ | {
            "VENDING_DATA_DIR": str(data),
            "VENDING_SHOP_DATABASE": server.url("shop"),
            "VENDING_APP_ENDPOINT": app.aws.endpoint,
            "VENDING_PAYMENTS_URL": processor.address,
            **addresses,
        }
        connect_in(variables)
        typer.echo(f"The payment processor is at {processor.address}; a person has connected it in the browser.")
        typer.echo(f"MariaDB listens on port {server.port}; the shop is in its database shop.")
        typer.echo(f"DynamoDB and S3 are emulated at {app.aws.endpoint}; the app is in the table {TABLE}.")
        nightly = ["extract", *(f"shop_{table}" for table in Shop().tables()), *_OF_THE_APP, "settlements"]
        days = ["extract", "weather_days", "--from", "2024-03-05", "--to", "2024-03-10"]
        done = [_vending(variables, command) for command in (nightly, days, ["extract", "holidays"], ["run"])]
        random = Random(3)
        with server.connect("shop") as connection, server.connect("shop") as slow:
            connection.autocommit(False)
            one_more_day(connection, random)
            gone = forget_customer(connection)
            commit = late_order(slow, random)  # the last: an update of all orders would wait for it
            typer.echo(f"\nA day passes: orders move on, customer {gone} is forgotten, one transaction stays open.")
            _one_more_day_of(app, random)
            done += [_vending(variables, nightly)]
            commit()
            new_column(connection)
            weather.today = date(2024, 3, 12)
            typer.echo(
                "\nThe open transaction commits, developers add a column to the orders, and the weather is corrected."
            )
        done += [_vending(variables, command) for command in (nightly, nightly, days, ["run"])]
        return next((code for code in done if code not in (0, _NEEDS_A_PERSON)), 0)


def _one_more_day_of(server: AppServer, random: Random) -> None:
    client, now = server.emulator.client, datetime.now(UTC)
    app_simulator.one_more_day(client, TABLE, server.app, random, now)
    gone = app_simulator.forget_customer(client, TABLE, server.app)
    late = app_simulator.late_request(client, TABLE, server.app, now)
    typer.echo(f"In the app requests are answered, customer {gone} leaves, reports expire, request {late} comes late.")


def _vending(variables: dict[str, str], command: list[str]) -> int:
    typer.echo(f"\n$ vending {' '.join(command)}")
    program = [str(Path(sys.executable).with_name("vending")), *command]
    return subprocess.run(program, cwd=PROJECT_DIR, env=variables, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["--sample"]:
        write_sample(PROJECT_DIR / "data" / "sources")
    else:
        sys.exit(demo())
