"""What the whole suite shares."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from vending_platform.catalog import Catalog, load_catalog, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.file_lock import exclusive
from vending_platform.warehouse import Warehouse
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.core import Core, make_core
from vending_platform_tests.emulators.aws import EmulatedAws, aws
from vending_platform_tests.leftovers import _ends_what_it_starts, _leaves_no_setting, adopt_orphans
from vending_platform_tests.parsed import Parsed, whole_project
from vending_platform_tests.sample import Sample, sample_in
from vending_platform_tests.shared import shared_folder

__all__ = ["_ends_what_it_starts", "_leaves_no_setting", "aws"]

if TYPE_CHECKING:  # whoever needs no cloud waits for none to be imported
    from vending_platform_tests.emulators.accounts import Account
    from vending_platform_tests.emulators.redshift import RedshiftEmulator
    from vending_platform_tests.emulators.redshift.accounts import RedshiftDatabase
    from vending_platform_tests.emulators.snowflake import Emulator


def pytest_configure() -> None:
    # A busy machine is no fault of the code: nothing is judged by how long it took.
    slow = [HealthCheck.too_slow]
    settings.register_profile("suite", deadline=None, suppress_health_check=slow, print_blob=True)
    settings.load_profile("suite")
    # Who is started in the background ignores SIGINT, and so would all that the tests start: Dagster ends its own
    # helpers by it. A signal that has a handler is reset to its default in them.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    adopt_orphans()


@pytest.fixture(scope="session", autouse=True)
def _dbt_reads_no_stacks() -> Iterator[None]:
    """dbt reads the source of every frame on the stack for each of its behavior flags, at every start. Below pytest,
    with thousands of modules loaded, that took a third of the tests' time."""
    from dbt_common.behavior_flags import BehaviorFlagRendered

    with mock.patch.object(BehaviorFlagRendered, "_default_source", return_value="dbt"):
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What workers share, in this run alone."""
    return shared_folder(tmp_path_factory)


@pytest.fixture(scope="session")
def sample(run_folder: Path, manifest_cache: Path) -> Sample:
    """The sample, built by `vending run`; who changes anything changes a copy."""
    return sample_in(run_folder, manifest_cache)


@pytest.fixture(scope="session")
def manifest_cache(pytestconfig: pytest.Config) -> Path:
    """The folder with the project's parsed manifest, one for all workers and kept for the next run: dbt takes seconds
    to parse, and says by a hash whether the project is still the same."""
    return _kept_folder(pytestconfig) / "manifest"


@pytest.fixture(scope="session")
def catalog(manifest_cache: Path) -> Catalog:
    """The contracts of the real project."""
    with exclusive(manifest_cache.with_suffix(".lock"), "parsing", on_wait=lambda _: None):
        return load_catalog(DBT_PROJECT_DIR, manifest_cache)


@pytest.fixture(scope="session")
def manifest(catalog: Catalog, manifest_cache: Path) -> dict[str, Any]:
    return read_manifest(DBT_PROJECT_DIR, manifest_cache)


@pytest.fixture(scope="session")
def core(manifest: dict[str, Any], pytestconfig: pytest.Config) -> Core:
    """The small project for tests of what the platform does; nobody changes it, and it too is kept."""
    return make_core(_kept_folder(pytestconfig), manifest)


@pytest.fixture(scope="session")
def parsed(pytestconfig: pytest.Config) -> Parsed:
    """The real project as dbt has parsed it."""
    return whole_project(_kept_folder(pytestconfig))


def _kept_folder(config: pytest.Config) -> Path:
    assert config.cache is not None
    return config.cache.mkdir("vending")


@pytest.fixture(scope="session")
def snowflake(aws: EmulatedAws) -> "Iterator[Emulator]":
    from vending_platform_tests.emulators.snowflake import snowflake_emulator

    with snowflake_emulator(aws.client("s3")) as emulator:
        yield emulator


@pytest.fixture
def account(snowflake: "Emulator", aws: EmulatedAws) -> "Account":
    """An empty database, in an emulated Snowflake that all tests share."""
    from vending_platform_tests.emulators.accounts import new_account

    return new_account(snowflake, aws)


@pytest.fixture(scope="module")
def redshift(aws: EmulatedAws) -> "Iterator[RedshiftEmulator]":
    """One for all tests of a module, as no module leaves a process running."""
    from vending_platform_tests.emulators.redshift import redshift_emulator

    with redshift_emulator(aws) as emulator:
        yield emulator


@pytest.fixture
def redshift_database(redshift: "RedshiftEmulator", aws: EmulatedAws) -> "RedshiftDatabase":
    """An empty one."""
    from vending_platform_tests.emulators.redshift.accounts import new_database

    return new_database(redshift, aws)


@pytest.fixture
def without_unit_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt's unit tests are half of what it asks of a Snowflake; `test_staging` has them answered by both warehouses."""
    monkeypatch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "unit_test")


@pytest.fixture(params=["duckdb", "snowflake", "redshift"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Each of them, for what both promise."""
    if request.param == "duckdb":
        return DuckDBWarehouse(tmp_path / "dev.duckdb")
    if request.param == "redshift":
        database: RedshiftDatabase = request.getfixturevalue("redshift_database")
        return database.warehouse()
    account: Account = request.getfixturevalue("account")
    return account.warehouse()
