"""The warehouse file can be opened or made, or the check says what is wrong; checking changes nothing."""

import os
from pathlib import Path

import duckdb
import pytest

from vending_platform.health import CheckFailed
from vending_platform.warehouse import Change, WarehouseError
from vending_platform.warehouse.duckdb import DuckDBWarehouse, check_file
from vending_platform_tests.warehouse.tables import SALES, filled, ignore, nobody


@pytest.fixture
def cant_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without rights, or on a disk that is only read; who runs the tests may be allowed everything."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))


def test_one_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "data" / "dev.duckdb"
    assert check_file(path) == f"{path} is made by the first load"
    assert list(tmp_path.iterdir()) == []


def test_one_that_can_be_opened_is_fine_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "dev.duckdb"
    filled(DuckDBWarehouse(path))
    before = path.read_bytes()
    assert check_file(path) == f"{path} can be opened"
    assert path.read_bytes() == before


def test_one_without_tables_was_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "dev.duckdb"
    duckdb.connect(path).close()
    assert check_file(path) == f"{path} can be opened; nothing was loaded yet"


def test_somebody_who_writes_is_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "dev.duckdb"
    with DuckDBWarehouse(path).writing("test", nobody) as writer:
        writer.publish([Change(SALES)], ignore)
        assert check_file(path).startswith(f"another process is writing to it: {path} is in use")


def test_what_is_no_warehouse_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dev.duckdb"
    path.write_bytes(b"this is a letter and not a database" * 1000)
    with pytest.raises(WarehouseError, match="can't be opened"):
        check_file(path)


def test_one_that_may_only_be_read_is_told(tmp_path: Path, cant_write: None) -> None:
    path = tmp_path / "dev.duckdb"
    filled(DuckDBWarehouse(path))
    with pytest.raises(CheckFailed, match=r"this user may not write to .*dev\.duckdb"):
        check_file(path)
