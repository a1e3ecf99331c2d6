"""What this machine needs is there, or it is said what is missing; and looking makes nothing."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from vending_platform.doctor import machine
from vending_platform.health import CheckFailed

HERE = metadata.version("duckdb")


class TestVersions:
    @pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 9)])
    def test_a_python_that_fits_is_fine(self, version: tuple[int, ...]) -> None:
        assert machine.python(version) == f"{'.'.join(map(str, version))}, which is <3.14,>=3.11"

    @pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0), (2, 12, 0), (4, 0, 1)])
    def test_another_one_is_told(self, version: tuple[int, ...]) -> None:
        told = re.escape(".".join(map(str, version)))
        with pytest.raises(
            CheckFailed, match=rf"this is Python {told}, and <3\.14,>=3\.11 is needed: make clean setup PYTHON"
        ):
            machine.python(version)

    def test_what_is_installed_here_is_as_the_lock_says(self) -> None:
        assert f"duckdb {HERE}" in machine.packages(shown=["duckdb"])

    def test_another_version_is_told_with_both(self) -> None:
        lock = machine.LOCK.read_text().replace(f"\nduckdb=={HERE} ", "\nduckdb==9.9.9 ")
        with pytest.raises(
            CheckFailed, match=rf"requirements.lock pins it: duckdb is {re.escape(HERE)} and not 9\.9\.9: make"
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


class TestDisk:
    def test_a_disk_is_looked_at_for_folders_that_are_not_there_yet(self, tmp_path: Path) -> None:
        assert machine.disk([tmp_path / "a" / "b"], enough=1).endswith(f"GB are free where {tmp_path} is")
        with pytest.raises(
            CheckFailed, match=rf"only .* GB are free where {tmp_path} is, and 1048576 GB are needed .*free some space"
        ):
            machine.disk([tmp_path / "a"], enough=1024**5)
