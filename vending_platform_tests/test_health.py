"""Folders are checked without making any of them."""

import os
from pathlib import Path

import pytest

from vending_platform.health import CheckFailed, check_readable, check_writable


@pytest.fixture
def cant_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without rights, or on a disk that is only read; who runs the tests may be allowed everything."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))


def test_one_that_is_not_there_yet_is_fine_where_it_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "staging"
    assert check_writable(folder) == f"{folder} can be written, and is made when it is needed"
    assert list(tmp_path.iterdir()) == []
    folder.mkdir(parents=True)
    assert check_writable(folder) == f"{folder} can be written"
    assert list(folder.iterdir()) == []


def test_one_that_may_not_be_written_is_told(tmp_path: Path, cant_write: None) -> None:
    with pytest.raises(CheckFailed, match=f"this user may not write to {tmp_path}"):
        check_writable(tmp_path / "new")


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CheckFailed, match=r"data is not a folder, and .*data/staging has to be one"):
        check_writable(tmp_path / "data" / "staging")


def test_deliveries_are_expected_in_a_folder_that_is_there(tmp_path: Path) -> None:
    assert check_readable(tmp_path) == f"{tmp_path} can be read"
    with pytest.raises(CheckFailed, match="sources is not a folder: make it, or set VENDING_DATA_DIR"):
        check_readable(tmp_path / "sources")


def test_deliveries_that_may_not_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CheckFailed, match="this user may not read"):
        check_readable(tmp_path)
