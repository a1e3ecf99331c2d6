"""dbt remembers what it has parsed, and forgets nothing of it by itself."""

from pathlib import Path

import pytest

from vending_platform.transformation import dbt
from vending_platform.transformation.dbt import Project
from vending_platform.warehouse import DbtConnection

FILES = {
    "dbt_project.yml": "name: small\nversion: '1.0'\nprofile: small\n",
    "profiles.yml": "small: {target: here, outputs: {here: {type: duckdb, path: ':memory:'}}}\n",
    "models/numbers.sql": "select 1 as number",
}
UNIT_TEST = "unit_tests: [{name: %s, model: numbers, given: [], expect: {rows: [{number: 1}]}}]\n"


@pytest.fixture(autouse=True)
def _parsed_by_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "_parsed", {})


def unit_tests(project: Project) -> set[str]:
    """What a process that has just started finds in the project."""
    dbt._parsed.clear()
    dbt.Dbt(project, lambda _: None)
    (manifest,) = dbt._parsed.values()
    return {test.name for test in manifest.unit_tests.values()}


def test_a_unit_test_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "target", "here", 1, DbtConnection("memory"))
    for name, text in FILES.items():
        (project.project_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (project.project_dir / name).write_text(text)
    declared = project.project_dir / "models" / "tests.yml"
    declared.write_text(UNIT_TEST % "old_name")
    assert unit_tests(project) == {"old_name"}
    declared.write_text(UNIT_TEST % "new_name")
    assert unit_tests(project) == {"new_name"}
    (kept,) = project.target_dir.glob("*.msgpack")
    written = kept.stat().st_mtime_ns
    assert unit_tests(project) == {"new_name"}
    assert kept.stat().st_mtime_ns == written, "the same project is read from there, and not parsed again"
