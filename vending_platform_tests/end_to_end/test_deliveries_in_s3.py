"""Deliveries that lie in S3 become the same rows as those in a folder, and what is written there is encrypted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vending_platform import cli, environment, operations
from vending_platform.accounts import WrongAccount
from vending_platform.cli import loads, questions, run
from vending_platform.environment import PROJECT_DIR, Environment, EnvironmentName
from vending_platform.ingestion import Summary, ingest
from vending_platform.opening import Platform
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform_tests.emulators.aws import EmulatedAws, Refusal
from vending_platform_tests.ingestion.raw_folder import NOW, sales_file

SAMPLE = [
    path
    for path in (PROJECT_DIR / "data" / "sources").iterdir()
    if path.is_file()
    and ("VM" not in path.name or any(machine in path.name for machine in ("VM003", "VM006", "VM008")))
]
"""Three machines, two weeks, the masters: also what is broken, has bad rows, or an undeclared name."""
BUCKET = "hinode-vending-data-prod"
FOLDERS = {"sales_": "sales/2024/", "replenishment_": "replenishment/"}
RAW = ("sales", "replenishment_records", "vending_machines", "products", "payment_methods", "staff", "_rejected_rows")
NAME = "sales_VM001_20240305.csv"


def flat(name: str) -> str:
    return name


def nested(name: str) -> str:
    return next((into for start, into in FOLDERS.items() if name.startswith(start)), "master-data/") + name


@dataclass(frozen=True)
class Cloud:
    """Production's bucket, with a DuckDB file in place of its warehouse."""

    aws: EmulatedAws
    platform: Platform

    def put(self, name: str, content: bytes) -> None:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/{name}", Body=content)

    def remove(self, name: str) -> None:
        self.aws.client("s3").delete_object(Bucket=BUCKET, Key=f"raw-data/{name}")

    def ingest(self, **options: Any) -> Summary:
        """When the days of these tests were young, so that what is gone is not taken for archived."""
        return ingest(self.platform.context, now=NOW, **options)

    def keys(self, prefix: str) -> list[str]:
        found = self.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", ())]


def rows(platform: Platform, sql: str) -> list[dict[str, Any]]:
    with platform.context.warehouse.reading() as reader:
        found: list[dict[str, Any]] = reader.query(sql).to_pylist()
        return found


def everything(platform: Platform) -> dict[str, list[str]]:
    """All that was loaded and refused, with the name of the file in place of its id, which depends on the folder."""
    tables = {}
    for table in RAW:
        id_, dropped = ("file_id", "file_id, path") if table.startswith("_") else ("_file_id", "_file_id")
        tables[table] = rows(
            platform,
            f"select parse_filename(f.path) as file, r.* exclude ({dropped}) "
            f"from raw.{table} r join raw._files f on f.file_id = r.{id_}",
        )
    columns = "sha256, state, encoding, rows_accepted, rows_rejected, reason, business_date, sender"
    tables["_files"] = rows(platform, f"select parse_filename(path) as file, {columns} from raw._files")
    return {table: sorted(map(repr, found)) for table, found in tables.items()}


@pytest.fixture
def cloud(aws: EmulatedAws, tmp_path: Path, manifest: dict[str, Any]) -> Cloud:
    aws.reset()
    return Cloud(aws, Platform(in_duckdb(aws.environment(EnvironmentName.PRODUCTION), tmp_path), manifest))


def in_duckdb(settings: Environment, folder: Path) -> Environment:
    return replace(settings, warehouse=DuckDBSettings(path=str(folder / "cloud.duckdb")), scratch=folder / "scratch")


@pytest.fixture(scope="module")
def on_a_disk(tmp_path_factory: pytest.TempPathFactory, manifest: dict[str, Any]) -> dict[str, list[str]]:
    """What the sample is when it is loaded from its folder."""
    data = tmp_path_factory.mktemp("disk")
    (data / "sources").mkdir()
    for path in SAMPLE:
        (data / "sources" / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDING_DATA_DIR", str(data))
        platform = Platform(environment.load(), manifest)
    operations.ingest(platform)
    return everything(platform)


@pytest.mark.parametrize("layout", [flat, nested])
def test_the_same_deliveries_give_the_same_rows_in_every_place(
    cloud: Cloud, on_a_disk: dict[str, list[str]], layout: Callable[[str], str]
) -> None:
    for path in SAMPLE:
        cloud.put(layout(path.name), path.read_bytes())
    summary = operations.ingest(cloud.platform)
    assert len(summary.loaded) > 50
    assert (len(summary.quarantined), len(summary.undeclared), summary.rows_rejected) == (1, 1, 5)
    assert everything(cloud.platform) == on_a_disk
    again = operations.ingest(cloud.platform)
    assert (again.unchanged, again.loaded, again.same_again) == (len(SAMPLE) - 1, [], [])


def test_corrected_removed_and_denied_files_have_the_same_outcomes_as_on_a_disk(cloud: Cloud) -> None:
    other, denied = "sales_VM002_20240305.csv", "sales_VM003_20240305.csv"
    cloud.put(NAME, sales_file(rows=5))
    cloud.put(f"sales/{other}", sales_file("VM002", rows=4))
    cloud.put(f"sales/{denied}", sales_file("VM003", rows=3))
    with cloud.aws.failing(lambda r: Refusal(403, "AccessDenied") if r.path.endswith(denied) else None):
        first = cloud.ingest()
    assert {version.path for version in first.loaded} == {NAME, f"sales/{other}"}
    ((path, reason),) = first.unreadable
    assert (path, "s3:GetObject" in reason) == (f"sales/{denied}", True)
    assert [version.path for version in cloud.ingest().loaded] == [f"sales/{denied}"]

    cloud.put(NAME, sales_file(rows=5).replace(b",130,", b",150,"))  # as many bytes as before
    cloud.remove(f"sales/{other}")
    second = cloud.ingest()
    assert ([version.path for version in second.loaded], len(second.corrected)) == ([NAME], 1)
    assert [version.path for version in second.gone] == [f"sales/{other}"]
    assert [version.path for version in cloud.ingest(withdraw=True).withdrawn] == [f"sales/{other}"]
    assert rows(cloud.platform, "select machine_id, sum(unit_price) as yen from raw.sales group by all order by 1") == [
        {"machine_id": "VM001", "yen": 5 * 150},
        {"machine_id": "VM003", "yen": 3 * 130},
    ]


def test_quarantined_bytes_are_encrypted_with_the_operators_key_and_readable(cloud: Cloud) -> None:
    broken = {NAME: sales_file()[:-20], "sales_VM002_20240305.csv": b"", "products.csv": b"\xff\xfe\x00"}
    for name, content in broken.items():
        cloud.put(name, content)
    summary = operations.ingest(cloud.platform)
    assert {version.path for version in summary.quarantined} == set(broken)
    kept = cloud.keys("staging/quarantine/")
    assert len(kept) == 3
    contents = []
    for key in kept:
        found = cloud.aws.client("s3").get_object(Bucket=BUCKET, Key=key)
        contents.append(found["Body"].read())
        head = cloud.aws.client("s3").head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/vending")
    assert sorted(contents) == sorted(broken.values())
    cloud.remove(NAME)
    assert [v.path for v in operations.ingest(cloud.platform).gone] == [NAME]


def test_in_the_wrong_account_nothing_is_read_or_written(cloud: Cloud) -> None:
    target = cloud.platform.environment.aws
    assert target is not None
    platform = replace(
        cloud.platform, environment=replace(cloud.platform.environment, aws=replace(target, account="999999999999"))
    )
    cloud.put(NAME, sales_file())
    cloud.aws.requests.clear()
    with pytest.raises(WrongAccount, match="999999999999"):
        operations.ingest(platform)
    assert [request.path for request in cloud.aws.requests] == ["/"], "who am I, and no more"
    assert isinstance(platform.environment.warehouse, DuckDBSettings)
    assert not platform.environment.warehouse.file.exists()


@pytest.fixture
def terminal(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in cloud.aws.variables().items():
        monkeypatch.setenv(name, value)
    for commands in (loads, questions, run):
        monkeypatch.setattr(commands, "open_platform", lambda _: cloud.platform)
    return lambda *words: CliRunner().invoke(cli.app, list(words))


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (Refusal(403, "ExpiredToken"), "Failed: the account of the credentials can't be found out"),
        (Refusal(404, "NoSuchBucket"), f"Failed: production can't use s3://{BUCKET}: there is no such bucket"),
    ],
)
def test_the_terminal_reports_it_without_a_traceback(
    cloud: Cloud, terminal: Callable[..., Any], refusal: Refusal, message: str
) -> None:
    is_about_a_bucket = refusal.status == 404
    with cloud.aws.failing(lambda r: refusal if (r.path != "/") == is_about_a_bucket else None):
        result = terminal("ingest")
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_terminal_reports_a_right_that_is_missing_during_a_run(cloud: Cloud, terminal: Callable[..., Any]) -> None:
    cloud.put(NAME, sales_file()[:-20])
    with cloud.aws.failing(lambda r: Refusal(403, "AccessDenied") if r.method == "PUT" else None):
        result = terminal("ingest")
    assert result.exit_code == 1
    assert f"Failed: s3://{BUCKET}/staging can't be written" in result.output
    assert "s3:PutObject" in result.output
    assert rows(cloud.platform, "select * from raw._files") == [], "what could not be kept is not on record as kept"
    assert terminal("ingest").exit_code == 3
    assert len(cloud.keys("staging/quarantine/")) == 1
