"""What this machine needs is there, or it is said what is missing; and looking makes nothing."""

import os
import re
from importlib import metadata
from pathlib import Path

import pytest

from vending_platform.doctor import machine
from vending_platform.doctor.runner import CheckFailed
from vending_platform.warehouse import Change, DuckDBWarehouse, WarehouseError
from vending_platform_tests.warehouse.tables import SALES, filled, ignore, nobody

HERE = metadata.version("duckdb")


@pytest.fixture
def cant_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without rights, or on a disk that is only read; who runs the tests may be allowed everything."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))


class TestVersions:
    @pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 9)])
    def test_a_python_that_fits_is_fine(self, version: tuple[int, ...]) -> None:
        assert machine.python(version) == f"{'.'.join(map(str, version))}, as <3.14,>=3.11 asks"

    @pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0), (2, 12, 0), (4, 0, 1)])
    def test_another_one_is_told(self, version: tuple[int, ...]) -> None:
        told = re.escape(".".join(map(str, version)))
        with pytest.raises(
            CheckFailed, match=rf"this is Python {told}, and <3\.14,>=3\.11 is needed: make clean setup PYTHON"
        ):
            machine.python(version)

    def test_what_is_installed_here_is_as_the_lock_says(self) -> None:
        assert f"duckdb {HERE}" in machine.packages()

    def test_another_version_is_told_with_both(self) -> None:
        lock = machine.LOCK.read_text().replace(f"\nduckdb=={HERE} ", "\nduckdb==9.9.9 ")
        with pytest.raises(
            CheckFailed, match=rf"requirements.lock says: duckdb is {re.escape(HERE)} and not 9\.9\.9: make"
        ):
            machine.packages(lock)

    def test_a_package_may_have_a_version_per_python(self) -> None:
        line = f'duckdb=={HERE} ; python_full_version < "3.12" \\\n'
        assert machine.packages(f'{line}duckdb==9.9.9 ; python_full_version >= "3.12" \\\nnowhere==1 \\\n')

    def test_a_package_that_is_needed_and_not_there_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        there = [found for found in metadata.distributions() if found.name != "duckdb"]
        monkeypatch.setattr(metadata, "distributions", lambda: there)
        with pytest.raises(CheckFailed, match="duckdb is missing"):
            machine.packages()


class TestFolders:
    def test_one_that_is_not_there_yet_is_fine_where_it_can_be_made(self, tmp_path: Path) -> None:
        folder = tmp_path / "data" / "staging"
        assert machine.writable(folder) == f"{folder} can be written, and is made when it is needed"
        assert list(tmp_path.iterdir()) == []
        folder.mkdir(parents=True)
        assert machine.writable(folder) == f"{folder} can be written"
        assert list(folder.iterdir()) == []

    def test_one_that_may_not_be_written_is_told(self, tmp_path: Path, cant_write: None) -> None:
        with pytest.raises(CheckFailed, match=f"{tmp_path} may not be written by this user"):
            machine.writable(tmp_path / "new")

    def test_a_file_in_the_way_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("")
        with pytest.raises(CheckFailed, match=r"data is not a folder, and .*data/staging has to be one"):
            machine.writable(tmp_path / "data" / "staging")

    def test_deliveries_are_expected_in_a_folder_that_is_there(self, tmp_path: Path) -> None:
        assert machine.readable(tmp_path) == f"{tmp_path} can be read"
        with pytest.raises(CheckFailed, match="sources is not a folder: make it, or say with VENDING_DATA_DIR"):
            machine.readable(tmp_path / "sources")

    def test_deliveries_that_may_not_be_read_are_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(CheckFailed, match="may not be read by this user"):
            machine.readable(tmp_path)

    def test_a_disk_is_looked_at_for_folders_that_are_not_there_yet(self, tmp_path: Path) -> None:
        assert machine.disk([tmp_path / "a" / "b"], enough=1).endswith(f"GB are free where {tmp_path} is")
        with pytest.raises(
            CheckFailed, match=rf"only .* GB are free where {tmp_path} is, and 1048576 GB are needed .*make room"
        ):
            machine.disk([tmp_path / "a"], enough=1024**5)


class TestWarehouseFile:
    def test_one_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        path = tmp_path / "data" / "dev.duckdb"
        assert machine.duckdb_file(path) == f"{path} is made by the first load"
        assert list(tmp_path.iterdir()) == []

    def test_one_that_can_be_opened_is_fine_and_stays_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "dev.duckdb"
        filled(DuckDBWarehouse(path))
        before = path.read_bytes()
        assert machine.duckdb_file(path) == f"{path} can be opened; nothing was loaded yet"
        assert path.read_bytes() == before

    def test_somebody_who_writes_is_nothing_wrong(self, tmp_path: Path) -> None:
        path = tmp_path / "dev.duckdb"
        with DuckDBWarehouse(path).writing("test", nobody) as writer:
            writer.publish([Change(SALES)], ignore)
            assert machine.duckdb_file(path).startswith(f"somebody is writing there: {path} is in use")

    def test_what_is_no_warehouse_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "dev.duckdb"
        path.write_bytes(b"this is a letter and not a database" * 1000)
        with pytest.raises(WarehouseError, match="can't be opened"):
            machine.duckdb_file(path)

    def test_one_that_may_only_be_read_is_told(self, tmp_path: Path, cant_write: None) -> None:
        path = tmp_path / "dev.duckdb"
        filled(DuckDBWarehouse(path))
        with pytest.raises(CheckFailed, match=r"dev\.duckdb may not be written by this user"):
            machine.duckdb_file(path)
