"""The marts and exports on Redshift are those of DuckDB: built on nothing, then after a correction, row by row.

The emulated Redshift gets real requests: the Data API's by boto3, dbt's by dbt-redshift, over TLS and with IAM.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from dpc_simulator import generate
from vending_platform import environment, operations
from vending_platform.environment import Environment
from vending_platform.exporting import current_parts
from vending_platform.opening import Platform, open_platform
from vending_platform.warehouse.redshift import RedshiftSettings
from vending_platform_tests.emulators.aws import REGION, EmulatedAws
from vending_platform_tests.emulators.redshift import RedshiftEmulator
from vending_platform_tests.end_to_end.test_a_second_domain import (
    BRANCHES,
    DOMAIN,
    loans,
    loans_path,
    returns,
    returns_path,
)

FIRST = {
    "master/branches.csv": BRANCHES,
    loans_path("east", "2024-01"): loans("east", "2024-01", 1, 2),
    returns_path("east", "2024-01"): returns("east", "2024-01", 2),
    loans_path("west", "2024-01"): loans("west", "2024-01", 1, 1),
    loans_path("west", "2024-02"): loans("west", "2024-02", 1, 2, 3),
}
CORRECTED = {loans_path("west", "2024-01"): loans("west", "2024-01", 1, 4)}


def loaded(domain: str, variables: dict[str, str], folder: Path) -> Environment:
    others = {name: value for name, value in os.environ.items() if not name.startswith("VENDING_")}
    with patch.dict(os.environ, others | variables | {"VENDING_DOMAIN": domain}, clear=True):
        return replace(environment.load(), scratch=folder / "scratch", dagster_home=folder / "dagster")


def development(domain: str, folder: Path) -> Platform:
    (folder / "data" / "sources").mkdir(parents=True, exist_ok=True)
    return open_platform(loaded(domain, {"VENDING_DATA_DIR": str(folder / "data")}, folder / "duckdb"))


def staging(domain: str, redshift: RedshiftEmulator, aws: EmulatedAws, folder: Path, *useless: str) -> Platform:
    """With an empty database of its own; `useless` are variables that the domain does not have."""
    variables = {name: value for name, value in aws.variables().items() if name not in useless}
    found = loaded(domain, variables, folder / "redshift")
    assert isinstance(found.warehouse, RedshiftSettings)
    redshift.workgroups.add(found.warehouse.workgroup)
    aws.client("s3").create_bucket(
        Bucket=found.places.raw.removeprefix("s3://").partition("/")[0],
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    own = found.warehouse.model_copy(update={"database": redshift.new_database()})
    return open_platform(replace(found, warehouse=own))


def deliver(platform: Platform, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        platform.context.storage.raw.write(name, content)


def run(platform: Platform) -> dict[str, Any]:
    """Everything there is to do, and what was found."""
    summary = operations.ingest(platform)
    done = operations.transform(platform, summary.run_id)
    assert [f"{node.name}: {node.message}" for node in done.failed] == []
    assert not [one for one in operations.export(platform, summary.run_id) if one.problem]
    return {
        "loaded": sorted((version.path, version.rows_accepted, version.rows_rejected) for version in summary.loaded),
        "built": done.rows,
        "tables": everything(platform),
        "exports": exports(platform),
    }


def everything(platform: Platform) -> dict[str, Counter[str]]:
    """Every row of raw, of what was refused, and of every model."""
    tables = [f"raw.{source.name}" for source in platform.catalog] + ["raw._rejected_rows"]
    tables += [f"{model.schema_name}.{model.name}" for model in platform.catalog.models]
    with platform.context.warehouse.reading() as reader:
        return {table: Counter(map(comparable, reader.query(f"select * from {table}").to_pylist())) for table in tables}


def comparable(row: dict[str, Any]) -> str:
    """Every value with its type; a moment is the same one in whatever zone it is written."""
    return repr({name: v.astimezone(UTC) if isinstance(v, datetime) and v.tzinfo else v for name, v in row.items()})


def exports(platform: Platform) -> dict[tuple[str, str | None], tuple[int, str]]:
    parts = current_parts(platform.catalog, platform.context.storage.processed)
    return {(name, part.day): (part.rows, part.sha256) for name, part in parts}


def test_rows_marts_and_exports_are_those_of_duckdb(
    redshift: RedshiftEmulator, aws: EmulatedAws, tmp_path: Path
) -> None:
    on_duckdb = development(f"{DOMAIN}/", tmp_path)
    on_redshift = staging(f"{DOMAIN}/", redshift, aws, tmp_path, "VENDING_SNOWFLAKE_ACCOUNT")
    for files in (FIRST, CORRECTED):
        for platform in (on_duckdb, on_redshift):
            deliver(platform, files)
        expected = run(on_duckdb)
        assert run(on_redshift) == expected
        assert expected["exports"], "the hash of every export's bytes is compared"
    assert list(on_redshift.context.storage.work.files("publications")) == []
    with on_redshift.context.warehouse.reading() as reader:
        names = reader.query("select table_name from information_schema.tables where table_schema = 'raw'")
    assert not [name for name in names["table_name"].to_pylist() if name.startswith("_batch_")]


@pytest.mark.proof
def test_hospitals_packages_are_those_of_duckdb(redshift: RedshiftEmulator, aws: EmulatedAws, tmp_path: Path) -> None:
    generate(tmp_path / "data", hospitals=2, months=2, seed=11, cases=30, orders=3, untidy=True)
    on_duckdb = development("dpc", tmp_path)
    on_redshift = staging("dpc", redshift, aws, tmp_path, "VENDING_SNOWFLAKE_ACCOUNT", "VENDING_COMPANY")
    sources = tmp_path / "data" / "sources"
    deliver(on_redshift, {str(it.relative_to(sources)): it.read_bytes() for it in sources.rglob("*") if it.is_file()})
    expected = run(on_duckdb)
    key = (Path(on_duckdb.environment.places.work) / "pseudonyms.key").read_text("ascii")
    aws.client("secretsmanager").create_secret(Name="dpc/staging/pseudonyms", SecretString=key)
    assert run(on_redshift) == expected
    assert expected["exports"]
