"""A team's own assets, jobs, schedules and sensors: `dg` makes, checks, lists, launches and serves them."""

import json
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from vending_platform_tests.orchestration.standard_starts import Clone, fresh_clone, serving

ASSET = """import dagster as dg
import pandas as pd


@dg.asset(ins={"products": dg.AssetIn(key=["raw", "products"])})
def by_category(context: dg.AssetExecutionContext, products: pd.DataFrame) -> pd.DataFrame:
    context.log.info("made by a team")
    return products.groupby("category_id", as_index=False).agg(products=("product_id", "nunique"))
"""
OTHERS = """import dagster as dg

of_a_team = dg.define_asset_job("of_a_team", dg.AssetSelection.assets("by_category"))
at_night = dg.ScheduleDefinition(job=of_a_team, cron_schedule="0 20 * * *")


@dg.sensor(job=of_a_team)
def by_chance() -> dg.SkipReason:
    return dg.SkipReason("not today")
"""
KINDS = ("assets", "jobs", "schedules", "sensors")
NAMES = """{repositoryOrError(
  repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "vending"}) {
  ... on Repository {jobs {name} schedules {name} sensors {name} assetNodes {assetKey {path}}}}}"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return fresh_clone(tmp_path_factory.mktemp("clone"))


@pytest.mark.proof
def test_a_team_adds_definitions_from_the_root(clone: Clone) -> None:
    """One test, because each part rests on the one before, and each command takes seconds."""
    clone.run("dg", "scaffold", "defs", "dagster.asset", "my_team/assets.py")
    defs = Path("vending_platform") / "defs" / "my_team"
    assert "@dg.asset" in (clone.folder / defs / "assets.py").read_text()
    (clone.folder / defs / "assets.py").write_text(ASSET)
    (clone.folder / defs / "jobs.py").write_text(OTHERS)

    listed = json.loads(clone.run("dg", "list", "defs", "--json", only_output=True))
    names = {kind: {one.get("asset_key") or one["name"] for one in listed[kind]} for kind in KINDS}
    assert names["assets"] >= {"by_category", "marts/fct_sales"}
    assert names["jobs"] >= {"of_a_team", "daily"}
    assert names["schedules"] >= {"of_a_team_schedule", "daily_schedule"}
    assert names["sensors"] >= {"by_chance", "arrivals"}
    assert "All definitions loaded successfully" in clone.run("dg", "check", "defs")

    assert "Materialized value raw products" in clone.run("dg", "launch", "--assets", "key:raw/products")
    told = clone.run("dg", "launch", "--job", "of_a_team")
    assert "made by a team" in told
    assert "RUN_SUCCESS" in told
    with duckdb.connect(clone.folder / "data" / "dbt_dev.duckdb", read_only=True) as opened:
        counted = opened.execute("select sum(products) from team.by_category").fetchall()
        assert counted == opened.execute("select count(distinct product_id) from raw.products").fetchall() != [(0,)]
    assert list(clone.runs().values()) == [dg.DagsterRunStatus.SUCCESS] * 2

    with serving(clone, "dg", "dev") as server:
        found = server.ask(NAMES)["repositoryOrError"]
        assert "of_a_team" in {job["name"] for job in found["jobs"]}
        assert "by_chance" in {sensor["name"] for sensor in found["sensors"]}
        assert ["by_category"] in [node["assetKey"]["path"] for node in found["assetNodes"]]
