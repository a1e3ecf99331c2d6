"""The dashboard as a folder: replaced without anyone seeing half of it, and never over someone else's files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vending_platform import dashboard
from vending_platform.dashboard import NoDashboard, page_manifest, write_dashboard
from vending_platform.exporting import PAGE_MANIFEST, PageFile, PageManifest, PageTable
from vending_platform.storage import LocalPlace, Place

NOW = datetime(2024, 3, 15, tzinfo=UTC).isoformat()


def published(place: Place, *contents: str, public: bool = False) -> list[str]:
    """A table with these files, as the last export left it; their paths."""
    files = [
        PageFile(f"days/days_{text}.parquet", f"2024-0{n}", 1, len(text), text) for n, text in enumerate(contents, 1)
    ]
    tables = {"days": PageTable("marts", "", "internal", [], files)}
    if public:
        tables["open"] = PageTable("marts", "", "public", [], files[:1])
    for file, text in zip(files, contents, strict=True):
        place.write(file.path, text.encode())
    place.write(PAGE_MANIFEST, PageManifest(NOW, tables).as_json())
    return [file.path for file in files]


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path / "processed")


def data_of(folder: Path) -> set[str]:
    return {path.relative_to(folder / "data").as_posix() for path in (folder / "data").rglob("*.parquet")}


def test_page_and_data_are_there(place: LocalPlace, tmp_path: Path) -> None:
    paths = published(place, "a", "b")
    written = write_dashboard(place, None, tmp_path / "site")
    assert (written.tables, written.bytes) == (1, 2)
    assert data_of(tmp_path / "site") == set(paths)
    assert (tmp_path / "site" / "index.html").read_bytes() == (dashboard.PAGE_FOLDER / "index.html").read_bytes()
    assert json.loads((tmp_path / "site" / "data" / "quality.json").read_text()) is None
    manifest = json.loads((tmp_path / "site" / "data" / "manifest.json").read_text())
    assert (manifest["api"], list(manifest["tables"])) == (None, ["days"])


def test_the_version_before_stays_until_the_next(place: LocalPlace, tmp_path: Path) -> None:
    site = tmp_path / "site"
    first = published(place, "a", "b")
    write_dashboard(place, None, site)
    second = published(place, "a", "c")
    write_dashboard(place, None, site)
    assert data_of(site) == {*first, *second}
    third = published(place, "a", "d")
    write_dashboard(place, None, site)
    assert data_of(site) == {*second, *third}


def test_a_write_that_breaks_leaves_what_is_shown(
    place: LocalPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    first = published(place, "a")
    write_dashboard(place, None, site)
    before = (site / "data" / "manifest.json").read_bytes()
    published(place, "b")
    (place.folder / "days" / "days_b.parquet").unlink()
    with pytest.raises(KeyError):
        write_dashboard(place, None, site)
    assert (site / "data" / "manifest.json").read_bytes() == before
    assert set(first) <= data_of(site)


def test_old_scripts_go_and_the_owners_files_stay(place: LocalPlace, tmp_path: Path) -> None:
    site = tmp_path / "site"
    published(place, "a")
    write_dashboard(place, None, site)
    (site / "assets" / "index-old.js").write_text("old")
    (site / "CNAME").write_text("data.example.com")
    write_dashboard(place, None, site)
    assert not (site / "assets" / "index-old.js").exists()
    assert (site / "CNAME").read_text() == "data.example.com"


def test_somebody_elses_folder_is_refused(place: LocalPlace, tmp_path: Path) -> None:
    published(place, "a")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(NoDashboard, match="name an empty folder"):
        write_dashboard(place, None, tmp_path)
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("damage", ["{", "[]", '{"tables": {"days": {"files": [{}]}}}'])
def test_a_damaged_list_is_written_again(place: LocalPlace, tmp_path: Path, damage: str) -> None:
    site = tmp_path / "site"
    published(place, "a")
    write_dashboard(place, None, site)
    (site / "data" / "manifest.json").write_text(damage)
    write_dashboard(place, None, site)
    assert list(json.loads((site / "data" / "manifest.json").read_text())["tables"]) == ["days"]


def test_the_public_gets_what_is_for_the_public(place: LocalPlace, tmp_path: Path) -> None:
    paths = published(place, "a", "b", public=True)
    write_dashboard(place, None, tmp_path / "site", is_public=True)
    assert data_of(tmp_path / "site") == {paths[0]}
    manifest = json.loads((tmp_path / "site" / "data" / "manifest.json").read_text())
    assert (list(manifest["tables"]), manifest["exports"]) == (["open"], [])


def test_without_data_or_a_built_page_it_says_what_to_do(
    place: LocalPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoDashboard, match="vending run"):
        page_manifest(place)
    published(place, "a")
    monkeypatch.setattr(dashboard, "PAGE_FOLDER", tmp_path)
    with pytest.raises(NoDashboard, match="make dashboard"):
        write_dashboard(place, None, tmp_path / "site")


def test_a_server_tells_where_its_api_is(place: LocalPlace) -> None:
    published(place, "a")
    assert page_manifest(place, api="api/").api == "api/"
