"""The marts on Snowflake are those of DuckDB: built on nothing, then for the days that a correction reaches."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vending_platform.catalog import Catalog
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, SmallPlatform, day_of_sales, name, products
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.parsed import Parsed

pytestmark = [pytest.mark.snowflake, pytest.mark.usefixtures("without_unit_tests")]
CORRECTED = {name(DAYS[2]): day_of_sales(DAYS[2], 1, 4), "products_20240304.csv": products(P1=55, P2=60)}


@pytest.fixture(params=["small", pytest.param("whole", marks=pytest.mark.proof)])
def project(request: pytest.FixtureRequest, core: Core, parsed: Parsed) -> Core | None:
    """The small project, or the whole one: None."""
    (core if request.param == "small" else parsed).hand_over()
    return core if request.param == "small" else None


def test_marts_are_the_same_after_a_first_build_and_after_a_correction(
    tmp_path: Path, catalog: Catalog, account: Account, project: Core | None
) -> None:
    catalog = catalog if project is None else project.catalog
    # One warehouse after the other: each time that dbt changes between them, it parses the project.
    on_duckdb = SmallPlatform(RawFolder(tmp_path / "duckdb", catalog), project)
    on_snowflake = SmallPlatform(RawFolder(tmp_path / "snowflake", catalog, account=account), project)
    expected = list(built(on_duckdb))
    assert list(built(on_snowflake)) == expected
    assert date(2024, 3, 3) in {day for _, day in expected[-1][0]}, "the correction's own day is built again"
    assert on_snowflake.stale() == []

    on_duckdb.export()
    account.emulator.sent.clear()
    assert [done.problem for done in on_snowflake.export()] == [None] * len(catalog.exports)
    exported = on_duckdb.exports()
    assert on_snowflake.exports() == exported, "byte by byte"
    left = [sent.sql for sent in account.emulator.sent if sent.shape.startswith("copy into @")]
    with_rows = {export for export, _ in exported}
    assert len(left) == len(with_rows), "what is exported leaves by files, and at once where there is little"
    assert list(account.work.files("publications")) == []


def built(small_platform: SmallPlatform) -> Iterator[tuple[Any, ...]]:
    """What each of two runs built, and the marts after it."""
    for moment, files in enumerate((FILES, CORRECTED), start=1_710_000_000):
        small_platform.raw_folder.deliver(files)
        for file in files:  # the history of deliveries contains their times
            os.utime(small_platform.raw_folder.sources / file, (moment, moment))
        done = small_platform.run()
        assert {node.kind for _, nodes in done.windows for node in nodes} >= {"model", "test"}
        yield done.rows, small_platform.marts()
