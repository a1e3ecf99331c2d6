"""The table of environments, and how people are told that their variables make no sense."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vending_platform.environment import (
    DBT_PROJECT_DIR,
    ApiAuth,
    ApiSettings,
    AwsTarget,
    ByFolder,
    ByNotifications,
    CodeChanges,
    ConnectionSettings,
    DatabaseAddress,
    DatabaseApiSettings,
    DatabaseSettings,
    Encryption,
    Environment,
    EnvironmentName,
    ItemTableSettings,
    LakeCatalog,
    LakeSettings,
    LineageTarget,
    LineageTransport,
    Places,
    S3Addressing,
    SecretNames,
    SettingsError,
    Verification,
    load,
)
from vending_platform.environment.connections import TokenStore
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform.warehouse.snowflake import SnowflakeSettings

STAGING = {
    "VENDING_ENV": "staging",
    "VENDING_COMPANY": "hinode",
    "VENDING_AWS_ACCOUNT": "012345678901",
    "VENDING_SNOWFLAKE_ACCOUNT": "ab12345.ap-northeast-1",
}
PRODUCTION = STAGING | {"VENDING_ENV": "production", "VENDING_KMS_KEY": "alias/vending"}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no settings file of whoever runs the tests."""
    for name in list(os.environ):
        if name.upper().startswith("VENDING_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load_with(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Environment:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load()


def bucket(name: str) -> Places:
    return Places(*(f"s3://{name}/{folder}" for folder in ("raw-data", "processed-data", "dbt-artifacts", "staging")))


def aws(secrets: SecretNames, topic: str) -> AwsTarget:
    topic = f"arn:aws:sns:ap-northeast-1:012345678901:{topic}"
    return AwsTarget("012345678901", "ap-northeast-1", None, S3Addressing.VIRTUAL, None, secrets, topic)


def lineage(name: str) -> LineageTarget:
    to = f"s3://hinode-vending-data-{name}/dbt-artifacts/lineage"
    return LineageTarget(Path("scratch/lineage"), LineageTransport.FILE, to)


def shop(environment: str) -> DatabaseSettings:
    url, secret = "mysql://root@127.0.0.1:3306/shop", f"vending/{environment}/shop"
    if environment == "development":
        return DatabaseSettings(url, secret=None, is_verified=False, authority=None, statement_minutes=30)
    return DatabaseSettings(url, secret, is_verified=True, authority=None, statement_minutes=30)


def shop_api(environment: str) -> DatabaseApiSettings:
    url, is_local = "mysql://root@127.0.0.1:3306/shop", environment == "development"
    if is_local:
        address = DatabaseAddress(url, secret=None, is_verified=False, authority=None)
        return DatabaseApiSettings(address, address, None, pool=16, statement_seconds=5, per_second=10000, burst=20000)
    return DatabaseApiSettings(
        DatabaseAddress(url, f"vending/{environment}/shop-api", is_verified=True, authority=None),
        DatabaseAddress(url, f"vending/{environment}/shop-owner", is_verified=True, authority=None),
        keys_secret=f"vending/{environment}/shop-api-keys",
        pool=16,
        statement_seconds=5,
        per_second=50,
        burst=100,
    )


def app(environment: str) -> ItemTableSettings:
    is_local = environment == "development"
    bucket = {"development": "", "staging": "staging", "production": "prod"}[environment]
    of_aws = f"s3://hinode-vending-data-{bucket}/raw-data/internal/dynamodb-exports"
    return ItemTableSettings(
        table="app" if is_local else f"vending-app-{environment}",
        region="ap-northeast-1",
        endpoint="http://127.0.0.1:8000" if is_local else None,
        exports="s3://vending-app-exports/internal/dynamodb-exports" if is_local else of_aws,
        wait_minutes=30 if is_local else 60,
        warn_days=7,
        scan_units=500,
    )


def payments(environment: str) -> ConnectionSettings:
    secret = f"vending/{environment}/payments"
    is_laptop = environment == "development"
    by_file, by_secret = ("file", "data/connections/payments.json"), ("secret", f"{secret}-tokens")
    by, at = by_file if is_laptop else by_secret
    return ConnectionSettings(
        authorize="https://payments.invalid/oauth/authorize",
        token="https://payments.invalid/oauth/token",
        revoke="https://payments.invalid/oauth/revoke",
        client="vending-platform",
        client_secret=None if is_laptop else f"{secret}-client",
        scopes=("settlements.read",),
        tokens=TokenStore.model_validate({"by": by, "at": at}),
    )


def api(url: str, requests_a_minute: int) -> ApiSettings:
    return ApiSettings(
        url=url,
        auth=ApiAuth.NONE,
        secret=None,
        sent_as=None,
        requests_a_minute=requests_a_minute,
        timeout=30,
        attempts=5,
        longest_wait=120,
    )


APIS = {
    "weather": api("https://archive-api.open-meteo.com", 120),
    "weather_forecast": api("https://api.open-meteo.com", 120),
    "holidays": api("https://www8.cao.go.jp", 20),
    "payments": api("https://payments.invalid", 120).model_copy(update={"auth": ApiAuth.OAUTH}),
}

TABLE = {
    "development": (
        {},
        Environment(
            domain="vending",
            project_dir=DBT_PROJECT_DIR,
            name=EnvironmentName.DEVELOPMENT,
            places=Places("data/sources", "data/processed-data", "data/dbt-artifacts", "data/staging"),
            encryption=Encryption.DISK,
            kms_key=None,
            aws=None,
            warehouse=DuckDBSettings(path="data/dbt_dev.duckdb"),
            lake=LakeSettings(LakeCatalog.SQLITE, "data/lake", "", 30, 3, None, None),
            arrivals=ByFolder(),
            databases={"shop": shop("development")},
            database_apis={"shop": shop_api("development")},
            dynamodb={"app": app("development")},
            connections={"payments": payments("development")},
            apis=APIS,
            dbt_threads=2,
            extraction_starts=None,
            item_extraction_starts=None,
            ingestion_starts=None,
            transformation_starts=None,
            forecast_starts=None,
            marts_due=None,
            verification=Verification.NONE,
            code_changes=CodeChanges.REBUILD,
            revision=None,
            automatic_retries=0,
            cloud_logs=False,
            scratch=Path("data/scratch"),
            dagster_home=Path("data/dagster"),
            ui_url="http://127.0.0.1:3000",
            slack_alerts=False,
            lineage=LineageTarget(Path("data/lineage"), LineageTransport.FILE, "data/lineage/events"),
        ),
    ),
    "staging": (
        STAGING,
        Environment(
            domain="vending",
            project_dir=DBT_PROJECT_DIR,
            name=EnvironmentName.STAGING,
            places=bucket("hinode-vending-data-staging"),
            encryption=Encryption.SSE_S3,
            kms_key=None,
            aws=aws(
                SecretNames("vending/staging/snowflake", "vending/staging/slack", None, "vending/staging/api-keys"),
                "hinode-vending-alerts-staging",
            ),
            warehouse=SnowflakeSettings(
                account="ab12345.ap-northeast-1",
                user="VENDING_PLATFORM_STG",
                role="VENDING_PLATFORM_STG",
                database="VENDING_DATA_STG",
                warehouse="COMPUTE_WH_STG",
            ),
            lake=LakeSettings(
                LakeCatalog.GLUE,
                "s3://hinode-vending-data-staging/lake",
                "staging_vending_",
                30,
                3,
                "staging-vending-lake",
                "05:30",
            ),
            arrivals=ByNotifications("hinode-vending-arrivals-staging", "hinode-vending-arrivals-staging-dlq"),
            databases={"shop": shop("staging")},
            database_apis={"shop": shop_api("staging")},
            dynamodb={"app": app("staging")},
            connections={"payments": payments("staging")},
            apis=APIS,
            dbt_threads=4,
            extraction_starts="02:00",
            item_extraction_starts="05:00",
            ingestion_starts="01:00",
            transformation_starts="03:00",
            forecast_starts="04:00",
            marts_due="05:00",
            verification=Verification.GIVEN,
            code_changes=CodeChanges.REBUILD,
            revision=None,
            automatic_retries=3,
            cloud_logs=True,
            scratch=Path("scratch"),
            dagster_home=Path("scratch/dagster"),
            ui_url=None,
            slack_alerts=False,
            lineage=lineage("staging"),
        ),
    ),
    "production": (
        PRODUCTION,
        Environment(
            domain="vending",
            project_dir=DBT_PROJECT_DIR,
            name=EnvironmentName.PRODUCTION,
            places=bucket("hinode-vending-data-prod"),
            encryption=Encryption.SSE_KMS,
            kms_key="alias/vending",
            aws=aws(
                SecretNames(
                    "vending/production/snowflake",
                    "vending/production/slack",
                    "vending/production/pseudonyms",
                    "vending/production/api-keys",
                ),
                "hinode-vending-alerts-prod",
            ),
            warehouse=SnowflakeSettings(
                account="ab12345.ap-northeast-1",
                user="VENDING_PLATFORM_PROD",
                role="VENDING_PLATFORM_PROD",
                database="VENDING_DATA_PROD",
                warehouse="COMPUTE_WH_PROD",
            ),
            lake=LakeSettings(
                LakeCatalog.GLUE,
                "s3://hinode-vending-data-prod/lake",
                "production_vending_",
                30,
                3,
                "production-vending-lake",
                "06:30",
            ),
            arrivals=ByNotifications("hinode-vending-arrivals-prod", "hinode-vending-arrivals-prod-dlq"),
            databases={"shop": shop("production")},
            database_apis={"shop": shop_api("production")},
            dynamodb={"app": app("production")},
            connections={"payments": payments("production")},
            apis=APIS,
            dbt_threads=8,
            extraction_starts="02:00",
            item_extraction_starts="05:00",
            ingestion_starts="02:00",
            transformation_starts="04:00",
            forecast_starts="05:00",
            marts_due="06:00",
            verification=Verification.NEEDED,
            code_changes=CodeChanges.WAIT,
            revision=None,
            automatic_retries=3,
            cloud_logs=True,
            scratch=Path("scratch"),
            dagster_home=Path("scratch/dagster"),
            ui_url=None,
            slack_alerts=False,
            lineage=lineage("prod"),
        ),
    ),
}


@pytest.mark.parametrize(("variables", "row"), TABLE.values(), ids=TABLE)
def test_every_value_is_the_one_in_the_table_of_environments(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], row: Environment
) -> None:
    assert load_with(monkeypatch, variables) == row


def test_objects_are_encrypted_in_the_words_that_s3_understands() -> None:
    assert (Encryption.SSE_S3, Encryption.SSE_KMS) == ("AES256", "aws:kms")


@pytest.mark.parametrize("empty", ["VENDING_ENV", "VENDING_DATA_DIR", "VENDING_COMPANY"])
def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    assert load_with(monkeypatch, {empty: ""}) == TABLE["development"][1]


def test_data_dir_moves_everything_that_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = load_with(monkeypatch, {"VENDING_DATA_DIR": "/elsewhere"})
    assert moved.places == Places(
        "/elsewhere/sources", "/elsewhere/processed-data", "/elsewhere/dbt-artifacts", "/elsewhere/staging"
    )
    assert moved.warehouse == DuckDBSettings(path="/elsewhere/dbt_dev.duckdb")
    assert moved.scratch == Path("/elsewhere/scratch")


def test_an_emulator_may_stand_in_for_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = load_with(monkeypatch, STAGING | {"VENDING_WAREHOUSE_ENDPOINT": "http://127.0.0.1:8000"})
    assert emulated.warehouse_endpoint == "http://127.0.0.1:8000"


def test_where_people_see_the_ui_and_whether_slack_is_told_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"VENDING_UI_URL": "https://dagster.hinode.example/vending", "VENDING_SLACK_ALERTS": "true"}
    staging = load_with(monkeypatch, STAGING | said)
    assert (staging.ui_url, staging.slack_alerts) == (said["VENDING_UI_URL"], True)


def test_an_unknown_environment_is_refused_with_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        SettingsError, match=r"VENDING_ENV='prod' is not an environment.*: development, staging, production\."
    ):
        load_with(monkeypatch, {"VENDING_ENV": "prod"})


WRONG = {
    "staging lacks everything": (
        {"VENDING_ENV": "staging"},
        ["staging needs VENDING_COMPANY, VENDING_AWS_ACCOUNT, VENDING_SNOWFLAKE_ACCOUNT"],
    ),
    "production lacks its key": (
        STAGING | {"VENDING_ENV": "production"},
        ["production needs VENDING_KMS_KEY"],
    ),
    "development has no use for an account": (
        {"VENDING_COMPANY": "hinode", "VENDING_SNOWFLAKE_ACCOUNT": "ab12345", "VENDING_KMS_KEY": "k"},
        ["development has no use for VENDING_COMPANY, VENDING_KMS_KEY, VENDING_SNOWFLAKE_ACCOUNT", "VENDING_ENV"],
    ),
    "staging is not local and has no key": (
        STAGING | {"VENDING_DATA_DIR": "/elsewhere", "VENDING_KMS_KEY": "k"},
        ["staging has no use for VENDING_DATA_DIR, VENDING_KMS_KEY"],
    ),
    "missing and contradictory at once": (
        {"VENDING_ENV": "production", "VENDING_COMPANY": "hinode", "VENDING_DATA_DIR": "/elsewhere"},
        [
            "production needs VENDING_KMS_KEY, VENDING_AWS_ACCOUNT, VENDING_SNOWFLAKE_ACCOUNT",
            "has no use for VENDING_DATA_DIR",
        ],
    ),
    "an address that is none": (STAGING | {"VENDING_UI_URL": "dagster.example.com"}, ["VENDING_UI_URL"]),
    "neither yes nor no": (STAGING | {"VENDING_SLACK_ALERTS": "maybe"}, ["VENDING_SLACK_ALERTS", "true nor false"]),
    "development has no Slack": ({"VENDING_SLACK_ALERTS": "true"}, ["no use for VENDING_SLACK_ALERTS"]),
    "an emulator that is elsewhere": (
        STAGING | {"VENDING_WAREHOUSE_ENDPOINT": "http://example.com:8000"},
        ["VENDING_WAREHOUSE_ENDPOINT='http://example.com:8000' is not an address on this machine"],
    ),
    "an impossible company": (STAGING | {"VENDING_COMPANY": "Hinode Foods"}, ["VENDING_COMPANY", "lower-case letters"]),
    "a company too long for a bucket": (
        STAGING | {"VENDING_COMPANY": "h" * 42},
        ["VENDING_COMPANY", "lower-case letters"],
    ),
    "an impossible company and a missing account": (
        {"VENDING_ENV": "staging", "VENDING_COMPANY": "Hinode Foods"},
        ["VENDING_COMPANY", "VENDING_SNOWFLAKE_ACCOUNT"],
    ),
    "development has no use for AWS": (
        {
            "VENDING_AWS_ACCOUNT": "012345678901",
            "VENDING_AWS_REGION": "ap-northeast-1",
            "VENDING_AWS_ENDPOINT": "http://127.0.0.1:1",
            "VENDING_S3_ENDPOINT": "http://127.0.0.1:1",
            "VENDING_S3_ADDRESSING": "path",
        },
        [
            "development has no use for VENDING_AWS_ACCOUNT, VENDING_AWS_REGION, VENDING_AWS_ENDPOINT, "
            "VENDING_S3_ENDPOINT, VENDING_S3_ADDRESSING"
        ],
    ),
    "an account that is none": (
        STAGING | {"VENDING_AWS_ACCOUNT": "12345"},
        ["VENDING_AWS_ACCOUNT='12345'", "12 digits"],
    ),
    "a region that is none": (STAGING | {"VENDING_AWS_REGION": "tokyo"}, ["VENDING_AWS_REGION='tokyo'"]),
    "an unknown way of addressing": (
        STAGING | {"VENDING_S3_ADDRESSING": "Path"},
        ["VENDING_S3_ADDRESSING='Path' is none of: virtual, path"],
    ),
    "an endpoint in the clear": (
        STAGING | {"VENDING_S3_ENDPOINT": "http://store.hinode.example", "VENDING_AWS_ENDPOINT": "http://10.0.0.1"},
        [
            "VENDING_S3_ENDPOINT='http://store.hinode.example' is not encrypted",
            "VENDING_AWS_ENDPOINT='http://10.0.0.1' is not encrypted",
        ],
    ),
    "a host that only looks like this machine": (
        STAGING | {"VENDING_S3_ENDPOINT": "http://127.0.0.1.hinode.example"},
        ["is not encrypted"],
    ),
    "a password in an endpoint": (
        STAGING | {"VENDING_S3_ENDPOINT": "https://user:hunter2@store.example", "VENDING_S3_ADDRESSING": "path"},
        ["VENDING_S3_ENDPOINT must not hold a user or a password: they come from"],
    ),
    "an address with the bucket in front": (
        STAGING | {"VENDING_S3_ENDPOINT": "http://127.0.0.1:5000"},
        ["VENDING_S3_ENDPOINT", "set VENDING_S3_ADDRESSING=path"],
    ),
    "half of AWS elsewhere": (
        STAGING | {"VENDING_AWS_ENDPOINT": "http://127.0.0.1:5000"},
        ["VENDING_AWS_ENDPOINT needs VENDING_S3_ENDPOINT"],
    ),
    "everything about AWS at once": (
        STAGING | {"VENDING_AWS_ACCOUNT": "x", "VENDING_AWS_REGION": "y", "VENDING_S3_ENDPOINT": "z"},
        ["VENDING_AWS_ACCOUNT='x'", "VENDING_AWS_REGION='y'", "VENDING_S3_ENDPOINT='z'"],
    ),
}


@pytest.mark.parametrize(("variables", "told"), WRONG.values(), ids=WRONG)
def test_one_readable_message_names_every_variable_in_question(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_with(monkeypatch, variables)
    message = str(caught.value)
    assert [words for words in told if words not in message] == []
    assert "\n" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "endpoint",
    [
        "s3.example",
        "ftp://s3.example",
        "https://",
        "https://s3.example/bucket",
        "https://a b",
    ],
)
@pytest.mark.parametrize("variable", ["VENDING_S3_ENDPOINT", "VENDING_AWS_ENDPOINT"])
def test_an_endpoint_that_is_no_service_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, endpoint: str
) -> None:
    with pytest.raises(SettingsError, match=f"{variable}=.* is not of the form https://host"):
        load_with(monkeypatch, STAGING | {variable: endpoint})


def test_the_variables_of_aws_say_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"VENDING_S3_ENDPOINT": "http://127.0.0.1:5000", "VENDING_AWS_ENDPOINT": "http://127.0.0.1:5001"}
    target = load_with(
        monkeypatch, STAGING | here | {"VENDING_AWS_REGION": "us-gov-west-1", "VENDING_S3_ADDRESSING": "path"}
    ).aws
    assert target is not None
    assert (target.region, target.s3_addressing) == ("us-gov-west-1", S3Addressing.PATH)
    assert (target.s3_endpoint, target.endpoint) == ("http://127.0.0.1:5000", "http://127.0.0.1:5001")


@pytest.mark.parametrize(
    "endpoint",
    ["https://bucket.vpce-0a1b.s3.ap-northeast-1.vpce.amazonaws.com", "https://minio:9000", "http://localhost:9000"],
)
def test_a_store_of_its_own_may_have_the_bucket_in_front(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    target = load_with(monkeypatch, STAGING | {"VENDING_S3_ENDPOINT": endpoint}).aws
    assert target is not None
    assert (target.s3_endpoint, target.s3_addressing) == (endpoint, S3Addressing.VIRTUAL)


@pytest.mark.parametrize("company", ["hinode", "3m", "a-b-c", "h" * 41])
def test_a_company_that_can_begin_a_bucket_name_is_taken(monkeypatch: pytest.MonkeyPatch, company: str) -> None:
    raw = load_with(monkeypatch, STAGING | {"VENDING_COMPANY": company}).places.raw
    assert raw == f"s3://{company}-vending-data-staging/raw-data"
    assert len(raw.split("/")[2]) <= 63  # the longest name that S3 takes


def test_the_longest_company_has_queue_names_that_sqs_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals = load_with(monkeypatch, STAGING | {"VENDING_COMPANY": "h" * 41}).arrivals
    assert isinstance(arrivals, ByNotifications)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", arrivals.dead_letters)


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"VENDING_DATADIR is not a setting .*did you mean VENDING_DATA_DIR"):
        load_with(monkeypatch, {"VENDING_DATADIR": "/elsewhere"})


def test_a_variable_that_resembles_none_is_refused_with_all_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    known = r"VENDING_XYZZY .*known are: VENDING_ENV, VENDING_DOMAIN, VENDING_DATA_DIR, .*ACCOUNT"
    with pytest.raises(SettingsError, match=known):
        load_with(monkeypatch, {"VENDING_XYZZY": "1"})


def test_all_misspelt_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"VENDING_DATADIR.*VENDING_KMSKEY"):
        load_with(monkeypatch, {"VENDING_DATADIR": "/elsewhere", "VENDING_KMSKEY": "k"})


def test_the_settings_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("# mine\nVENDING_DATA_DIR=/elsewhere\nOTHER_TOOL=1\n")
    assert load().scratch == Path("/elsewhere/scratch")


def test_a_real_variable_wins_over_the_settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("VENDING_DATA_DIR=/from-the-file\n")
    assert load_with(monkeypatch, {"VENDING_DATA_DIR": "/real"}).scratch == Path("/real/scratch")


def test_a_misspelt_variable_in_the_settings_file_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("VENDING_DATADIR=/elsewhere\n")
    with pytest.raises(SettingsError, match=r"VENDING_DATADIR .*did you mean VENDING_DATA_DIR"):
        load()


def test_a_settings_file_in_another_encoding_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_bytes("VENDING_DATA_DIR=/売上\n".encode("cp932"))
    with pytest.raises(SettingsError, match=r"^The settings file \.env is not UTF-8 at byte 18: save it as UTF-8\.$"):
        load()


def project(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """A dbt project elsewhere, with vending's environments after a change: what `VENDING_DOMAIN` calls it."""
    declared = yaml.safe_load((DBT_PROJECT_DIR / "environments.yml").read_text())
    change(declared)
    folder.mkdir()
    (folder / "environments.yml").write_text(yaml.safe_dump(declared))
    return f"{folder}/"


def test_another_domain_has_environments_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def change(declared: dict[str, Any]) -> None:
        declared["domain"] = "library"
        declared["environments"]["development"]["places"]["raw"] = "{data_dir}/library/raw"

    domain = project(tmp_path / "library", change)
    library = load_with(monkeypatch, {"VENDING_DOMAIN": domain})
    assert (library.domain, library.places.raw) == ("library", "data/library/raw")
    assert library.project_dir == tmp_path / "library"
    assert load("vending") == TABLE["development"][1], "whoever names a domain gets it, whatever the variables choose"


def test_an_unknown_domain_is_refused_with_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"^'vendign' is not a domain; did you mean vending\?$"):
        load_with(monkeypatch, {"VENDING_DOMAIN": "vendign"})
    with pytest.raises(SettingsError, match=r"^'xyzzy' is not a domain; known are: vending"):
        load_with(monkeypatch, {"VENDING_DOMAIN": "xyzzy"})
    with pytest.raises(SettingsError, match=r"nowhere/environments.yml does not exist: a domain is a dbt project"):
        load_with(monkeypatch, {"VENDING_DOMAIN": "./nowhere"})


def _api(declared: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {**_environment(declared)["apis"]["holidays"], **others}


def _environment(declared: dict[str, Any], name: str = "staging") -> dict[str, Any]:
    found: dict[str, Any] = declared["environments"][name]
    return found


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "a value that one environment does not give": (
        lambda d: _environment(d).pop("retries"),
        ["environments.staging.retries is missing (write null where there is none)"],
    ),
    "an environment that is not declared": (
        lambda d: d["environments"].pop("staging"),
        ["environments.staging is missing: every environment is declared"],
    ),
    "a misspelt key": (
        lambda d: _environment(d).update(retrys=3),
        ["environments.staging.retrys is not a setting"],
    ),
    "a time that is not one": (
        lambda d: _environment(d).update(marts_due="25:00"),
        ["environments.staging.marts_due='25:00' is not of the form"],
    ),
    "a number that is not one": (
        lambda d: _environment(d).update(dbt_threads=0),
        ["environments.staging.dbt_threads=0: input should be greater than or equal to 1"],
    ),
    "a variable that is not declared": (
        lambda d: _environment(d)["places"].update(raw="s3://{compny}-raw/x"),
        ["environments.staging.places.raw uses {compny}, which is not among the variables; did you mean {company}?"],
    ),
    "a variable that is not used": (
        lambda d: d["variables"].update(town={"description": "of the office"}),
        ["variables.town is used by no environment"],
    ),
    "S3 without AWS, a queue without its name, a key that is not there": (
        lambda d: (
            _environment(d).update(aws=None, encryption={"by": "kms", "key": None}),
            _environment(d)["arrivals"].update(dead_letters=None),
        ),
        [
            "environments.staging.places.raw is in S3, so aws can't be null",
            "environments.staging.arrivals.dead_letters is missing, and arrivals.by is notifications",
            "environments.staging.encryption.key is missing, and encryption.by is kms",
        ],
    ),
    "an unknown warehouse": (
        lambda d: _environment(d)["warehouse"].update(type="oracle"),
        ["environments.staging.warehouse.type='oracle' is none of: duckdb, redshift, snowflake"],
    ),
    "a warehouse without a type": (
        lambda d: _environment(d)["warehouse"].pop("type"),
        ["environments.staging.warehouse.type is missing"],
    ),
    "a warehouse that is not one": (
        lambda d: _environment(d).update(warehouse="snowflake"),
        ["environments.staging.warehouse='snowflake': "],
    ),
    "a key of another warehouse, a key that is missing, and a mistake elsewhere": (
        lambda d: (
            _environment(d)["warehouse"].update(path="x"),
            _environment(d)["warehouse"].pop("role"),
            _environment(d).pop("logs"),
        ),
        [
            "environments.staging.warehouse.path is not a setting",
            "environments.staging.warehouse.role is missing",
            "environments.staging.logs is missing",
        ],
    ),
    "a warehouse with a secret, and no place for it": (
        lambda d: _environment(d, "development").update(warehouse=_environment(d)["warehouse"]),
        ["environments.development.warehouse has its secret in AWS Secrets Manager, so aws can't be null"],
    ),
    "a database with a secret, and no place for it": (
        lambda d: _environment(d, "development").update(
            databases={
                "shop": {"url": "mysql://u@h/d", "secret": "s", "tls": "off", "authority": None, "statement_limit": 1}
            }
        ),
        ["environments.development.databases.shop.secret is in AWS Secrets Manager, so aws can't be null"],
    ),
    "a database that is not declared wholly": (
        lambda d: _environment(d).update(databases={"shop": {"url": "mysql://u@h/d", "tls": "maybe"}}),
        ["environments.staging.databases.shop.secret is missing", "environments.staging.databases.shop.tls='maybe'"],
    ),
    "a table of DynamoDB in no account": (
        lambda d: _environment(d, "development")["dynamodb"]["app"].update(endpoint=None),
        ["environments.development.dynamodb.app is in AWS, so aws can't be null"],
    ),
    "exports that are not in S3": (
        lambda d: _environment(d)["dynamodb"]["app"].update(exports="data/exports", warn_days=40),
        ["environments.staging.dynamodb.app.exports='data/exports'", "environments.staging.dynamodb.app.warn_days=40"],
    ),
    "a connection without a place for its tokens, and not encrypted": (
        lambda d: _environment(d, "development").update(
            connections={
                "payments": {
                    **dict.fromkeys(("authorize", "token", "revoke"), "http://payments.example.com"),
                    "client": "us",
                    "client_secret": "s",
                    "scopes": ["read"],
                    "tokens": {"by": "secret", "at": "t"},
                }
            }
        ),
        [
            "environments.development.connections.payments.token='http://payments.example.com' is not encrypted",
            "environments.development.connections.payments.client_secret is in AWS Secrets Manager, so aws can't be",
            "environments.development.connections.payments.tokens.by='secret', and tokens are kept in a file",
        ],
    ),
    "an API with half a key": (
        lambda d: _environment(d)["apis"].update(
            weather=_api(d, auth="key"),
            holidays=_api(d, secret="s", sent_as="header X-Key"),
            forecast=_api(d, sent_as="x"),
        ),
        [
            "environments.staging.apis.forecast.sent_as='x' is not of the form ^(header|param) [A-Za-z0-9_-]+$",
        ],
    ),
    "an API with a key that no one sends": (
        lambda d: _environment(d)["apis"].update(
            weather=_api(d, auth="key"), holidays=_api(d, secret="s", sent_as="header X-Key")
        ),
        [
            "environments.staging.apis.weather.sent_as is what auth key needs, and only that; auth is key",
            "environments.staging.apis.weather.secret is missing, and auth is key",
            "environments.staging.apis.holidays.sent_as is what auth key needs, and only that; auth is none",
            "environments.staging.apis.holidays.secret means nothing, as auth is none",
        ],
    ),
    "an API with the token of a connection that there is not": (
        lambda d: _environment(d).update(
            apis={"weather": {**_environment(d)["apis"]["weather"], "auth": "oauth"}}, connections={}
        ),
        ["environments.staging.apis.weather.auth is oauth, and weather is not among the connections"],
    ),
    "two mistakes at once": (
        lambda d: (_environment(d).pop("logs"), _environment(d, "production")["starts"].pop("ingestion")),
        ["environments.staging.logs is missing", "environments.production.starts.ingestion is missing"],
    ),
}


@pytest.mark.parametrize(("change", "parts"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_in_the_file_is_named_with_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: Callable[[dict[str, Any]], object], parts: list[str]
) -> None:
    domain = project(tmp_path / "library", change)
    with pytest.raises(SettingsError, match=r"^library/environments\.yml can't be used: ") as caught:
        load_with(monkeypatch, {"VENDING_DOMAIN": domain})
    message = str(caught.value)
    assert [part for part in parts if part not in message] == []
    assert "\n" not in message


def test_a_file_that_is_not_yaml_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "environments.yml").write_text("domain: [")
    with pytest.raises(SettingsError, match=r"environments.yml is not valid YAML: .*line 1") as caught:
        load_with(monkeypatch, {"VENDING_DOMAIN": f"{tmp_path}/"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "mistake"),
    [
        ({"transport": "http", "to": "marquez:5000"}, "lineage.to='marquez:5000' is not an address such as https://"),
        ({"transport": "kafka", "to": "kafka:9092"}, "lineage.topic is what kafka needs, and only kafka"),
        ({"transport": "file", "to": "x", "topic": "t"}, "lineage.topic is what kafka needs, and only kafka"),
        ({"transport": "file", "to": "s3://bucket/x"}, "lineage.to is in S3, so aws can't be null"),
        ({"transport": "pigeon", "to": "x"}, "lineage.transport='pigeon'"),
    ],
)
def test_a_contradiction_in_where_lineage_goes_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, declared: dict[str, str], mistake: str
) -> None:
    def change(file: dict[str, Any]) -> None:
        file["environments"]["development"]["lineage"] = {"outbox": "x", "topic": None, **declared}

    with pytest.raises(SettingsError, match=re.escape(mistake)):
        load_with(monkeypatch, {"VENDING_DOMAIN": project(tmp_path / "library", change)})


def test_an_environment_may_make_no_lineage_events(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def change(file: dict[str, Any]) -> None:
        file["environments"]["development"]["lineage"] = None

    assert load_with(monkeypatch, {"VENDING_DOMAIN": project(tmp_path / "library", change)}).lineage is None


@pytest.mark.parametrize("domain", ["vending", "dpc"])
def test_an_environment_is_a_key_that_a_process_has_once(domain: str) -> None:
    """A resource of Dagster keeps what it has opened by its environment."""
    assert {load(domain): 1} == {load(domain): 1}
