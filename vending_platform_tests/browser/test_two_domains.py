"""After `make demo DOMAIN=dpc` a person opens the UI: both domains are there, and the second one's months are green.

Part of `make proof`. What a person sees stays in `browser-screenshots/`.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from vending_platform_tests.browser.test_after_the_demo import page, shown
from vending_platform_tests.orchestration.standard_starts import COMMANDS, fresh_clone
from vending_platform_tests.web_servers import Server, serving

__all__ = ["page"]
pytestmark = [pytest.mark.browser, pytest.mark.proof]

PARTITIONS = """{assetNodes(pipeline: null) {assetKey {path} repository {location {name}}
  partitionKeys partitionStats {numPartitions numMaterialized numFailed}}}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    clone = fresh_clone(tmp_path_factory.mktemp("clone"))
    assert "7 packages complete and right" in clone.run("vending", "--domain", "dpc", "run", returncode=3)
    command = [str(COMMANDS / "vending"), "--domain", "dpc", "dev"]
    with serving(command, clone.folder, clone.variables, clone.folder.parent / "dev.log") as started:
        yield started


def test_the_second_domain_has_its_months(page: Page, server: Server) -> None:
    nodes = server.ask(PARTITIONS)["assetNodes"]
    found = {"/".join(node["assetKey"]["path"]): node for node in nodes}
    assert found["raw/efn"]["repository"]["location"]["name"] == "dpc"
    assert {node["repository"]["location"]["name"] for node in nodes} == {"vending", "dpc"}
    for asset in ("raw/ff1", "raw/efn", "mart/mart_case_mix", "exports/case_mix_public"):
        assert found[asset]["partitionKeys"] == ["2024-04", "2024-05", "2024-06"], asset
        assert found[asset]["partitionStats"] == {"numPartitions": 3, "numMaterialized": 3, "numFailed": 0}, asset
    shown(page, "dpc-graph", f"{server.address}/locations/dpc/asset-groups/mart/lineage", "mart_case_mix")
    shown(page, "dpc-months", f"{server.address}/assets/mart/mart_case_mix?view=partitions", "2024-04", "2024-06")
    shown(page, "dpc-packages", f"{server.address}/assets/raw/efn?view=overview", "packages")
