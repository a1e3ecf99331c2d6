"""`vending anonymise` as a person meets it: on a laptop into a folder, in production into staging's bucket."""

import logging
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vending_platform.catalog import Catalog
from vending_platform.cli import app
from vending_platform.environment import EnvironmentName
from vending_platform.storage.local import LocalPlace
from vending_platform_tests.anonymising.contracts import KEY, PSEUDONYMS
from vending_platform_tests.emulators.aws import ACCOUNT, BUCKET, EmulatedAws, Refusal, Request
from vending_platform_tests.ingestion.raw_folder import sales_file

DONE, FAILED, WRONG_USAGE, NEEDS_A_PERSON, STOPPED = 0, 1, 2, 3, 130
PRODUCTION = "hinode-vending-data-prod"
SECRET = "vending/production/pseudonyms"
STAFF = "staff_id,staff_name,branch,route_id\nS0001,髙﨑 洋吾,千葉支店,R001\n".encode("cp932")
ANONYMOUS = STAFF.replace(b"S0001", PSEUDONYMS.of("S0001").encode()).replace(
    "髙﨑 洋吾".encode("cp932"), PSEUDONYMS.of("髙﨑 洋吾").encode()
)
SALES = {f"sales_VM001_2024030{day}.csv": sales_file(day=f"2024-03-0{day}") for day in (5, 6)}
FILES = {"staff.csv": STAFF, **SALES}
COPIED = FILES | {"staff.csv": ANONYMOUS}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Catalog, manifest_cache: Path) -> Path:
    """Where commands start: with a data folder, in which dbt's manifest is kept already, and a key."""
    for name in [name for name in os.environ if name.upper().startswith("VENDING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "sources").mkdir(parents=True)
    for scratch in ("data/scratch", "scratch"):
        shutil.copytree(manifest_cache, tmp_path / scratch / "manifest")
    for name, content in FILES.items():
        (tmp_path / "data" / "sources" / name).write_bytes(content)
    Path("key").write_text(KEY + "\n")
    return tmp_path


def anonymise(*words: object) -> Result:
    return CliRunner().invoke(app, ["anonymise", *map(str, words)])


def copied(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestOnALaptop:
    def test_deliveries_are_copied_once_and_it_says_what_it_did(self, folder: Path) -> None:
        result = anonymise("--into", "out", "--key-file", "key")
        assert (result.exit_code, result.stdout) == (
            DONE,
            "Wrote 3 files to out\n2 personal values searched for in everything.\n",
        )
        assert copied(folder / "out") == COPIED
        again = anonymise("--into", "out", "--key-file", "key")
        assert again.stdout.startswith("Nothing to write.\n3 files there already, byte for byte.\n")

    def test_a_dry_run_writes_nothing(self, folder: Path) -> None:
        result = anonymise("--into", "out", "--key-file", "key", "--dry-run")
        assert result.stdout.startswith("Would write 3 files to out\n")
        assert not (folder / "out").exists()

    def test_what_is_left_out_is_named_and_needs_a_person(self, folder: Path) -> None:
        (folder / "data" / "sources" / "list of friends.csv").write_bytes(STAFF)
        assert anonymise("--into", "out", "--key-file", "key").exit_code == NEEDS_A_PERSON
        (folder / "data" / "sources" / "sales_VM001_20240305.csv").write_bytes(b"memo\nx\n")
        (folder / "data" / "sources" / "staff.csv").write_bytes(STAFF.replace(b"R001", b"S1"))
        result = anonymise("--into", "out", "--key-file", "key", "--source", "sales", "--source", "staff")
        assert result.exit_code == NEEDS_A_PERSON
        for words in (
            "Left out, because personal data may still be in it (2)",
            "list of friends.csv: no contract takes this name",
            "sales_VM001_20240305.csv: column 1 of its header is not declared, and may be personal",
            "Left out now, but an earlier copy is still in out (1)",
        ):
            assert words in result.stdout

    def test_days_and_sources_can_be_chosen(self, folder: Path) -> None:
        anonymise("--into", "out", "--key-file", "key", "--from", "2024-03-06", "--to", "2024-03-06")
        assert set(copied(folder / "out")) == {"staff.csv", "sales_VM001_20240306.csv"}
        anonymise("--into", "sales only", "--key-file", "key", "--source", "sales")
        assert set(copied(folder / "sales only")) == set(SALES)
        assert anonymise("--into", "out", "--key-file", "key", "--source", "tales").exit_code == WRONG_USAGE

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--into", "out"], r"development has no key: name a file .*--key-file \(to create one: openssl"),
            (["--into", "data/sources", "--key-file", "key"], "data/sources and data/sources overlap"),
            (["--into", "data/sources/x", "--key-file", "key"], "belongs to development"),
            (["--into", ".", "--key-file", "key"], "belongs to development"),
            (["--into", "s3://hinode-x/raw", "--key-file", "key"], "development has no AWS account"),
            (["--into", "gs://hinode-x/raw", "--key-file", "key"], "neither a local folder nor s3://bucket/prefix"),
            (["--into", "out", "--key-file", "short"], "short can't be used: the key has less than 32 characters"),
            (["--into", "out", "--key-file", "binary"], "binary can't be used: a key is a line of ASCII"),
        ],
    )
    def test_what_would_go_wrong_is_refused_before_anything_is_written(
        self, folder: Path, words: list[str], told: str
    ) -> None:
        Path("short").write_text("sesame")
        Path("binary").write_bytes(bytes(range(128, 192)))
        result = anonymise(*words)
        assert (result.exit_code, result.stdout) == (FAILED, "")
        assert re.search(told, result.stderr), result.stderr
        assert "sesame" not in result.output
        assert copied(folder / "data" / "sources") == FILES
        assert not (folder / "out").exists()

    def test_ctrl_c_loses_nothing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = LocalPlace.write

        def stop_at_staff(place: LocalPlace, path: str, content: bytes) -> None:
            if path == "sales_VM001_20240306.csv":
                raise KeyboardInterrupt
            write(place, path, content)

        with monkeypatch.context() as patch:
            patch.setattr(LocalPlace, "write", stop_at_staff)
            stopped = anonymise("--into", "out", "--key-file", "key")
        assert stopped.exit_code == STOPPED
        assert "the same command goes on from there" in stopped.stderr
        assert copied(folder / "out").items() <= COPIED.items()
        assert anonymise("--into", "out", "--key-file", "key").exit_code == DONE
        assert copied(folder / "out") == COPIED


@pytest.fixture
def production(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> EmulatedAws:
    """Production with deliveries and its key, and staging's bucket, empty."""
    aws.reset()
    for name, value in aws.variables(EnvironmentName.PRODUCTION).items():
        monkeypatch.setenv(name, value)
    for name, content in FILES.items():
        key = f"raw-data/{name}" if name == "staff.csv" else f"raw-data/sales/{name}"
        aws.client("s3").put_object(Bucket=PRODUCTION, Key=key, Body=content)
    aws.client("secretsmanager").create_secret(Name=SECRET, SecretString=KEY)
    aws.requests.clear()
    return aws


def objects(aws: EmulatedAws, bucket: str) -> dict[str, bytes]:
    s3 = aws.client("s3")
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in found}


INTO_STAGING = ("--into", f"s3://{BUCKET}/raw-data", "--into-account", ACCOUNT)


class TestInProduction:
    def test_stagings_bucket_gets_the_deliveries_and_production_keeps_the_key(
        self, production: EmulatedAws, caplog: pytest.LogCaptureFixture
    ) -> None:
        for logger in (None, "botocore", "vending_platform"):
            caplog.set_level(logging.DEBUG, logger)
        originals = objects(production, PRODUCTION)
        result = anonymise(*INTO_STAGING)
        assert result.exit_code == DONE, result.output
        assert objects(production, BUCKET) == {
            "raw-data/staff.csv": ANONYMOUS,
            **{f"raw-data/sales/{name}": content for name, content in SALES.items()},
        }
        assert objects(production, PRODUCTION) == originals
        head = production.client("s3").head_object(Bucket=BUCKET, Key="raw-data/staff.csv")
        assert (head["ServerSideEncryption"], head.get("SSEKMSKeyId")) == ("AES256", None)
        assert "GetSecretValue" in caplog.text, "the log was not talkative"
        assert KEY not in caplog.text + result.output

        production.requests.clear()
        again = anonymise(*INTO_STAGING)
        assert again.stdout.startswith("Nothing to write.\n3 files there already")
        assert [request.path for request in production.requests if request.method == "PUT"] == []

    def test_it_may_also_go_into_a_folder(self, production: EmulatedAws, folder: Path) -> None:
        assert anonymise("--into", "out", "--source", "staff").exit_code == DONE
        assert copied(folder / "out") == {"staff.csv": ANONYMOUS}

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (INTO_STAGING[:2], f"name the AWS account that s3://{BUCKET} has to belong to by --into-account"),
            (("--into", f"s3://{PRODUCTION}/copy", "--into-account", ACCOUNT), "has the deliveries of production"),
            (
                (*INTO_STAGING[:3], "999999999999"),
                rf"production can't use s3://{BUCKET}: it does not belong to account 999999999999 \(--into-account\)",
            ),
            (("--into", "s3://nobodys/raw", "--into-account", ACCOUNT), "can't use s3://nobodys: there is no such"),
            ((*INTO_STAGING, "--key-file", "key"), f"the key of production is the secret {SECRET}"),
        ],
    )
    def test_a_wrong_target_or_key_is_refused_before_anything_is_written(
        self, production: EmulatedAws, words: tuple[str, ...], told: str
    ) -> None:
        before = objects(production, PRODUCTION)
        result = anonymise(*words)
        assert result.exit_code == FAILED
        assert re.search(told, result.stderr), result.stderr
        assert objects(production, BUCKET) == {}
        assert objects(production, PRODUCTION) == before

    def test_without_its_secret_it_says_which_one(self, production: EmulatedAws) -> None:
        production.client("secretsmanager").delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
        result = anonymise(*INTO_STAGING)
        assert result.exit_code == FAILED
        assert f"the secret {SECRET} can't be fetched" in result.stderr

    def test_a_role_that_may_not_write_is_told_what_it_lacks(self, production: EmulatedAws) -> None:
        def denied(request: Request) -> Refusal | None:
            is_write = request.method == "PUT" and BUCKET in request.path
            return Refusal(403, "AccessDenied", "not you") if is_write else None

        with production.failing(denied):
            result = anonymise(*INTO_STAGING)
        assert result.exit_code == FAILED
        assert f"s3://{BUCKET}/raw-data can't be written" in result.stderr
        assert "s3:PutObject" in result.stderr

    def test_staging_has_no_key_and_nothing_to_anonymise(
        self, production: EmulatedAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("VENDING_KMS_KEY")
        monkeypatch.setenv("VENDING_ENV", "staging")
        result = anonymise("--into", "out")
        assert result.exit_code == FAILED
        assert "staging has no key: deliveries are anonymised where the real ones are, in production" in result.stderr
