"""The parsed manifest is kept exactly as long as it is the one of the project's files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog, ProjectError, project_hash
from vending_platform.catalog.code import parts_of_all
from vending_platform.catalog.manifest import read_manifest
from vending_platform.environment import DBT_PROJECT_DIR

FILES = {
    "dbt_project.yml": "name: tiny\nversion: '1.0'\nprofile: tiny\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "tiny: {target: dev, outputs: {dev: {type: duckdb}}}\n",
    "models/sources.yml": "sources: [{name: shop, tables: [{name: \"{{ 'sa' ~ 'les' }}\"}]}]\n",
    "models/one.sql": "select 1 as one\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project as small as dbt takes it."""
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def test_a_project_is_parsed_once_and_only_its_newest_manifest_is_kept(project: Path, tmp_path: Path) -> None:
    cache = tmp_path / "made" / "on demand"
    before = sorted(project.rglob("*"))
    first = read_manifest(project, cache)
    assert "source.tiny.shop.sales" in first["sources"], "the manifest has the YAML's Jinja rendered"
    assert sorted(project.rglob("*")) == before, "reading leaves nothing in the project"

    (kept,) = cache.iterdir()
    assert kept.name.startswith(f"manifest-{project_hash(project)}-")
    kept.write_text(json.dumps({"sources": "from the kept copy"}))
    assert read_manifest(project, cache) == {"sources": "from the kept copy"}

    (project / "models/one.sql").write_text("select 1 as uno\n")
    assert "source.tiny.shop.sales" in read_manifest(project, cache)["sources"]
    (newest,) = cache.iterdir()
    assert newest.name.startswith(f"manifest-{project_hash(project)}-")


def test_what_was_made_by_another_way_of_reading_code_is_made_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(project, tmp_path / "cache")
    assert before["code"] == parts_of_all(before)
    assert before["code"].keys() == before["nodes"].keys()
    monkeypatch.setattr("vending_platform.catalog.manifest.how_it_is_read", lambda: "another")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text(json.dumps({"code": "as it was read before"}))
    assert read_manifest(project, tmp_path / "cache")["code"] == before["code"]


def test_a_damaged_one_is_made_again(project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_manifest(project, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b'{"sources": {"source.tiny')
    assert "source.tiny.shop.sales" in read_manifest(project, kept.parent)["sources"]
    assert f"{kept} is damaged" in caplog.text
    assert json.loads(kept.read_text())["sources"]


def test_a_project_that_dbt_cannot_parse_is_refused_in_dbts_own_words(project: Path, tmp_path: Path) -> None:
    (project / "models/sources.yml").write_text("sources: [{name: shop, tables: [\n")
    with pytest.raises(ProjectError, match=r"(?s)can't parse .*project: .*sources\.yml.*Syntax error"):
        read_manifest(project, tmp_path / "cache")
    assert list(tmp_path.glob("cache/*")) == []


def test_a_kept_manifest_is_read_without_importing_dbt(catalog: Catalog, manifest_cache: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from vending_platform.catalog import load_catalog;"
        f"print(len(load_catalog(Path({str(DBT_PROJECT_DIR)!r}), Path({str(manifest_cache)!r})).sources));"
        "print([name for name in sys.modules if name.partition('.')[0] in ('dbt', 'dagster')])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [str(len(catalog.sources)), "[]"]


def swap(first: Path, second: Path) -> None:
    aside = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(aside)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda p: (p / "models/one.sql").write_text("select 2 as one\n"),
    "a new file": lambda p: (p / "models/two.sql").touch(),
    "a new name": lambda p: (p / "models/one.sql").rename(p / "models/two.sql"),
    "a file less": lambda p: (p / "models/one.sql").unlink(),
    "two contents swapped": lambda p: swap(p / "models/one.sql", p / "models/sources.yml"),
    "a profile": lambda p: (p / "profiles.yml").write_text("tiny: {}\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_the_project_changes_its_hash(project: Path, change: Callable[[Path], object]) -> None:
    before = project_hash(project)
    change(project)
    assert project_hash(project) != before


@pytest.mark.parametrize("name", ["target/manifest.json", "logs/dbt.log", "models/.one.sql.swp", ".user.yml"])
def test_what_dbt_or_an_editor_leaves_behind_is_no_part_of_the_project(project: Path, name: str) -> None:
    before = project_hash(project)
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("something")
    os.utime(project / "models/one.sql", (0, 0))
    assert project_hash(project) == before
