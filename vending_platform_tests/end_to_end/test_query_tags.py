"""What a query on Snowflake was for can be looked up: its tag has the run, the assets and the days."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vending_platform import operations
from vending_platform.environment import Places
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.aws import BUCKET
from vending_platform_tests.emulators.keys import private_key
from vending_platform_tests.emulators.snowflake import Sent
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES

FIRST, LAST = DAYS[1], DAYS[2]
BOTH = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}


@dataclass(frozen=True)
class Staging:
    account: Account
    platform: Platform
    history: dg.DagsterInstance

    def run(self, *keys: str, **which: Any) -> tuple[str, list[Sent]]:
        """A run for some days of these assets, and what it sent to Snowflake."""
        self.account.emulator.sent.clear()
        job = assemble(self.platform, {}).resolve_implicit_global_asset_job_def()
        chosen = [dg.AssetKey(key.split("/")) for key in keys]
        done = job.execute_in_process(instance=self.history, asset_selection=chosen, **which)
        assert done.success
        return done.run_id, list(self.account.emulator.sent)


@pytest.fixture
def staging(account: Account, manifest: dict[str, Any], tmp_path: Path) -> Iterator[Staging]:
    """With deliveries in its bucket; nothing is loaded."""
    url = account.work_url.removesuffix("/staging")
    environment = replace(
        account.aws.environment(),
        places=Places(f"{url}/raw-data", f"{url}/processed-data", f"{url}/dbt-artifacts", account.work_url),
        warehouse=account.settings,
        warehouse_endpoint=account.endpoint,
        scratch=tmp_path / "scratch",
    )
    account.aws.reset()
    assert environment.aws is not None
    secret = environment.aws.secrets.warehouse
    account.aws.client("secretsmanager").create_secret(Name=secret, SecretString=private_key())
    for name, content in FILES.items():
        key = f"{account.database}/raw-data/{name}"
        account.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    platform = Platform(environment, manifest)
    with dg.instance_for_test() as history:
        yield Staging(account, platform, history)


def tag(run_id: str, asset: str, partition: str) -> str:
    tag = {"run_id": run_id, "job": "__ASSET_JOB", "asset": asset, "partition": partition}
    return json.dumps(tag, sort_keys=True)


def recording(run_id: str) -> str:
    """Of what is written down when the run ends: it is about all of the run."""
    return json.dumps({"run_id": run_id, "job": "__ASSET_JOB", "step": "quality"}, sort_keys=True)


def test_queries_of_the_platform_are_tagged_with_run_assets_and_days(staging: Staging) -> None:
    run_id, sent = staging.run("raw/sales", tags=BOTH)
    assert {"begin", "commit"} < {statement.shape for statement in sent}
    assert {statement.tag for statement in sent} == {tag(run_id, "raw/sales", f"{FIRST}..{LAST}"), recording(run_id)}

    other, sent = staging.run("exports/machine_daily", "exports/sales_by_day", partition_key=FIRST)
    assert other != run_id
    about = tag(other, "exports/machine_daily, exports/sales_by_day", FIRST)
    assert {statement.tag for statement in sent} == {about, recording(other)}


@pytest.mark.snowflake
def test_queries_of_dbt_are_tagged_too(staging: Staging) -> None:
    operations.ingest(staging.platform)
    run_id, sent = staging.run("staging/stg_vending__sales", tags=BOTH)
    by_dbt = [statement for statement in sent if statement.shape.startswith("dbt: ")]
    made = [one.sql for one in by_dbt if one.shape == "dbt: create or replace view <relation> as <query>"]
    assert any(re.search(r'"node_id": "model\.\w+\.stg_vending__sales"', sql) for sql in made)
    assert len(by_dbt) < len(sent), "the platform queries too, on connections of its own"
    about = tag(run_id, "staging/stg_vending__sales", f"{FIRST}..{LAST}")
    assert {statement.tag for statement in sent} == {about, recording(run_id)}
