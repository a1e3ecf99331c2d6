"""Dagster's own commands work from a fresh clone without setting anything, and share the history of `vending dev`."""

import re

import dagster as dg
import pytest

from vending_platform_tests.orchestration.standard_starts import Clone, fresh_clone, serving

MODULE = ("-m", "vending_platform.definitions")
RUN_ID = re.compile(r"- ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}) -")
LOCATIONS = """{workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{
  ... on PythonError{message} ... on RepositoryLocation{repositories{jobs{name}}}}}}}}"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return fresh_clone(tmp_path_factory.mktemp("clone"))


def test_definitions_are_valid(clone: Clone) -> None:
    told = clone.run("dagster", "definitions", "validate")
    assert "Validation successful for code location vending." in told


def test_assets_are_listed(clone: Clone) -> None:
    told = clone.run("dagster", "asset", "list", *MODULE)
    assert {"raw/sales", "marts/fct_sales", "exports/sales_by_day"} <= set(told.split())


def test_an_asset_is_materialized_and_a_job_executed_in_the_common_history(clone: Clone) -> None:
    told = clone.run("dagster", "asset", "materialize", *MODULE, "--select", "key:raw/products")
    assert "ASSET_MATERIALIZATION - Materialized value raw products." in told
    (materialized,) = set(RUN_ID.findall(told))
    told = clone.run("dagster", "job", "execute", *MODULE, "-j", "ingest")
    assert "files loaded" in told
    assert "RUN_SUCCESS" in told
    (executed,) = set(RUN_ID.findall(told))
    assert clone.runs() == dict.fromkeys((materialized, executed), dg.DagsterRunStatus.SUCCESS)


@pytest.mark.proof
@pytest.mark.parametrize(("words", "locations"), [((), {"vending", "dpc"}), (MODULE, {"vending_platform.definitions"})])
def test_the_ui_shows_the_common_history(clone: Clone, words: tuple[str, ...], locations: set[str]) -> None:
    before = clone.runs()
    with serving(clone, "dagster", "dev", *words) as server:
        entries = server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert {entry["name"] for entry in entries} == locations
        for entry in entries:
            (repository,) = entry["locationOrLoadError"]["repositories"]
            assert "daily" in {job["name"] for job in repository["jobs"]}
        shown = server.ask("{runsOrError{... on Runs{results{runId}}}}")["runsOrError"]["results"]
        assert {run["runId"] for run in shown} == before.keys()
    assert list(clone.folder.glob(".tmp_dagster_home_*")) == []
