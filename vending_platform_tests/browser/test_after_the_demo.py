"""After `make demo`, a person opens the UI: everything is there and green, and goes on by itself when a file comes.

Part of `make proof`. What a person sees stays in `browser-screenshots/`; the docs keep two of these pictures.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.emulators.cloud import emulated_cloud
from vending_platform_tests.ingestion.raw_folder import sales_file
from vending_platform_tests.orchestration.standard_starts import COMMANDS, Clone, fresh_clone
from vending_platform_tests.web_servers import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.proof]

SCREENSHOTS = PROJECT_DIR / "browser-screenshots"
PATIENCE = 600
NEW_DAY = "2024-03-15"
GROUPS = ("raw", "staging", "intermediate", "marts", "exports")
TEAM_ASSET = """import dagster as dg
import pandas as pd


@dg.asset(ins={"daily": dg.AssetIn(key=["marts", "mart_machine_daily"])})
def best_machines(daily: pd.DataFrame) -> pd.DataFrame:
    return daily.groupby("machine_id", as_index=False)["units_sold"].sum().nlargest(3, "units_sold")
"""
ASSETS = """{assetNodes {assetKey {path} groupName isMaterializable staleStatus
  assetMaterializations(limit: 1) {runId} partitionStats {numPartitions numMaterialized numFailed}}}"""
RESOURCES = """{repositoryOrError(repositorySelector:
  {repositoryName: "__repository__", repositoryLocationName: "vending"}) {
  ... on Repository {allTopLevelResourceDetails {name resourceType configuredValues {key value}}}}}"""
RUNS = "{runsOrError {... on Runs {results {runId status jobName}}}}"


@dataclass(frozen=True)
class Demo:
    clone: Clone
    server: Server

    @property
    def data(self) -> Path:
        return self.clone.folder / "data"

    def runs(self) -> list[dict[str, Any]]:
        return list(self.server.ask(RUNS)["runsOrError"]["results"])

    def wait_for_runs(self, at_least: int) -> list[dict[str, Any]]:
        """All of them, the latest first, once so many were started and each has ended."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            runs = self.runs()
            if len(runs) >= at_least and all(run["status"] in ("SUCCESS", "FAILURE") for run in runs):
                return runs
            time.sleep(1)
        raise AssertionError(f"not finished after {PATIENCE} seconds: {runs}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.data / "dbt_dev.duckdb", read_only=True) as opened:
            return opened.execute(sql).fetchall()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """What `make demo` does after set-up, with an asset of a team, and then `make dev`."""
    clone = fresh_clone(tmp_path_factory.mktemp("clone"))
    clone.run("dg", "scaffold", "defs", "dagster.asset", "my_team/assets.py")
    (clone.folder / "vending_platform" / "defs" / "my_team" / "assets.py").write_text(TEAM_ASSET)
    done = clone.run("vending", "run", returncode=3)
    assert "checks passed" in done
    command = [str(COMMANDS / "vending"), "dev"]
    with serving(command, clone.folder, clone.variables, clone.folder.parent / "dev.log") as server:
        yield Demo(clone, server)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is needed: apt-get install chromium"
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        try:
            yield page
        finally:
            page.screenshot(path=SCREENSHOTS / "last-after-the-demo.png")
            browser.close()


def shown(page: Page, name: str, address: str, *texts: str) -> None:
    """A page with these texts on it, kept as a picture."""
    page.goto(address)
    for text in texts:
        expect(page.get_by_text(text, exact=True).first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2_000)  # the graph moves into its place
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_every_asset_is_materialized_and_stale_where_the_ledger_says(page: Page, demo: Demo) -> None:
    nodes = [node for node in demo.server.ask(ASSETS)["assetNodes"] if node["groupName"] in GROUPS]
    assert len(nodes) > 100
    unfinished = []
    for node in nodes:
        stats = node["partitionStats"]
        is_whole = stats is None or (stats["numMaterialized"] == stats["numPartitions"] and stats["numFailed"] == 0)
        if node["isMaterializable"] and not (node["assetMaterializations"] and is_whole):
            unfinished.append(("/".join(node["assetKey"]["path"]), stats))
    assert unfinished == []
    stale = ["/".join(node["assetKey"]["path"]) for node in nodes if node["staleStatus"] == "STALE"]
    assert json.loads(demo.clone.run("vending", "status", "--json", returncode=3, only_output=True))["stale_days"] == []
    assert stale == []
    shown(page, "graph-marts", f"{demo.server.address}/locations/vending/asset-groups/marts/lineage", "fct_sales")
    shown(page, "graph", f"{demo.server.address}/asset-groups", *GROUPS)


def test_a_run_of_the_shell_is_on_the_page_of_its_job(page: Page, demo: Demo) -> None:
    (run,) = (run for run in demo.runs() if run["jobName"] == "daily")
    shown(page, "job", f"{demo.server.address}/locations/vending/jobs/daily/runs", run["runId"][:8], "Success")


def test_the_resources_are_those_of_the_laptop(page: Page, demo: Demo) -> None:
    resources = resources_of(demo.server)
    assert {"warehouse", "dbt", "files", "io_manager"} <= resources.keys()
    assert resources["warehouse"]["database"].endswith("data/dbt_dev.duckdb")
    shown(page, "resources", f"{demo.server.address}/locations/vending/resources", "warehouse", "dbt", "files")
    shown(page, "resource", f"{demo.server.address}/locations/vending/resources/warehouse", "database")


def test_one_check_is_executed_by_itself(page: Page, demo: Demo) -> None:
    before = demo.runs()
    rows = demo.rows("select count(*) from marts.fct_sales")
    page.goto(f"{demo.server.address}/assets/marts/fct_sales?view=checks")
    page.get_by_text("money_adds_up").first.click(timeout=60_000)
    page.get_by_role("button").filter(has_text=re.compile(r"^\s*Execute\s*$")).click()
    (latest, *earlier) = demo.wait_for_runs(len(before) + 1)
    assert (latest["status"], len(earlier)) == ("SUCCESS", len(before))
    history = demo.server.ask(
        '{assetCheckExecutions(assetKey: {path: ["marts", "fct_sales"]}, checkName: "money_adds_up", limit: 1)'
        " {status runId}}"
    )
    assert history["assetCheckExecutions"] == [{"status": "SUCCEEDED", "runId": latest["runId"]}]
    assert demo.rows("select count(*) from marts.fct_sales") == rows
    shown(page, "check", f"{demo.server.address}/assets/marts/fct_sales?view=checks", "money_adds_up")


def test_a_teams_asset_with_a_mart_as_argument_is_materialized(page: Page, demo: Demo) -> None:
    before = demo.runs()
    page.goto(f"{demo.server.address}/assets/best_machines")
    page.get_by_role("button", name="Materialize").first.click(timeout=60_000)
    runs = demo.wait_for_runs(len(before) + 1)
    assert runs[0]["status"] == "SUCCESS"
    sums = pd.DataFrame(
        demo.rows("select machine_id, sum(units_sold)::bigint from marts.mart_machine_daily group by 1"),
        columns=["machine_id", "units_sold"],
    )
    best = sums.nlargest(3, "units_sold")
    kept = demo.rows("select machine_id, units_sold from team.best_machines order by units_sold desc")
    assert kept == list(best.itertuples(index=False, name=None))
    shown(page, "team-asset", f"{demo.server.address}/assets/best_machines", "best_machines")


def test_a_dropped_file_reaches_mart_and_export_by_the_sensor_alone(page: Page, demo: Demo) -> None:
    before = demo.runs()
    page.goto(f"{demo.server.address}/locations/vending/sensors/arrivals")
    switch = page.locator("label:has(input[type=checkbox])").first
    switch.click(timeout=60_000)
    (demo.data / "sources" / f"sales_VM001_{NEW_DAY.replace('-', '')}.csv").write_bytes(sales_file("VM001", NEW_DAY, 7))
    demo.wait_for_runs(len(before) + 1)
    ends = time.monotonic() + PATIENCE
    exports = demo.data / "processed-data" / "sales_by_day"
    while not list(exports.glob(f"*_{NEW_DAY}_*.parquet")):
        assert time.monotonic() < ends, demo.runs()
        time.sleep(1)
    demo.wait_for_runs(len(before) + 1)
    assert demo.rows(f"select count(*) from marts.fct_sales where business_date = '{NEW_DAY}'") == [(7,)]
    assert demo.rows(f"select vends from marts.mart_machine_daily where business_date = '{NEW_DAY}'") == [(7,)]
    shown(page, "sensor", f"{demo.server.address}/locations/vending/sensors/arrivals", "Running")


def test_the_resources_of_staging_are_those_of_the_cloud(page: Page, tmp_path: Path) -> None:
    clone = fresh_clone(tmp_path)
    with emulated_cloud() as cloud:
        variables = clone.variables | cloud.variables | {"DAGSTER_HOME": ""}
        command = [str(COMMANDS / "dagster"), "dev", "-w", "workspace.yaml"]
        with serving(command, clone.folder, variables, tmp_path / "staging.log") as server:
            resources = resources_of(server)
            assert {"warehouse", "dbt", "s3", "secrets", "sns", "sqs"} <= resources.keys()
            assert resources["warehouse"]["database"] == "VENDING_DATA_STG"
            assert resources["sqs"]["queue"] == "hinode-vending-arrivals-staging"
            address = f"{server.address}/locations/vending/resources"
            shown(page, "resources-staging", address, "warehouse", "s3", "secrets", "sns", "sqs")
            shown(page, "resource-staging", f"{address}/warehouse", "database")


def resources_of(server: Server) -> dict[str, dict[str, str]]:
    """Per resource its values as the page shows them, without the quotes of a text."""
    details = server.ask(RESOURCES)["repositoryOrError"]["allTopLevelResourceDetails"]
    return {
        one["name"]: {entry["key"]: str(entry["value"]).strip('"') for entry in one["configuredValues"]}
        for one in details
    }
