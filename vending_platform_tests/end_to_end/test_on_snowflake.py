"""The marts on Snowflake are those of DuckDB: built on nothing, then for the days that a correction reaches."""

from datetime import date
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.end_to_end.house import DAYS, FILES, House, day_of_sales, name, products
from vending_platform_tests.ingestion.yard import Yard

pytestmark = pytest.mark.snowflake


def test_marts_are_the_same_after_a_first_build_and_after_a_correction(
    tmp_path: Path, catalog: Catalog, account: Account
) -> None:
    (tmp_path / "sources").mkdir()
    on_duckdb = House(Yard(tmp_path, catalog))
    on_snowflake = House(Yard(tmp_path, catalog, account=account))
    first = on_duckdb.run(FILES)
    built = on_snowflake.run()
    assert {node.kind for _, nodes in built.windows for node in nodes} == {"model", "seed", "test", "unit_test"}
    assert built.rows == first.rows
    assert on_snowflake.marts() == on_duckdb.marts()

    corrected = {name(DAYS[2]): day_of_sales(DAYS[2], 1, 4), "products_20240304.csv": products(P1=55, P2=60)}
    second = on_duckdb.run(corrected)
    assert on_snowflake.run().rows == second.rows
    assert on_snowflake.marts() == on_duckdb.marts()
    assert date(2024, 3, 3) in {day for _, day in second.rows}
    assert on_snowflake.stale() == []

    on_duckdb.export()
    exported = on_duckdb.exports()
    account.emulator.sent.clear()
    assert [done.problem for done in on_snowflake.export()] == [None] * len(catalog.exports)
    assert on_snowflake.exports() == exported, "byte by byte"
    left = [sent.sql for sent in account.emulator.sent if sent.shape.startswith("copy into @")]
    with_rows = {export for export, _ in exported}
    assert len(left) == len(with_rows), "what is exported leaves by files, and at once where there is little"
    assert list(account.work.files("publications")) == []
