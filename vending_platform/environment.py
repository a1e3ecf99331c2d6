"""Which environment this is, and every value that differs between environments.

The only module that reads environment variables. `load()` answers with one `Environment`, or raises
`SettingsError` with one message that names every variable in question, before anything has run.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from os import environ
from pathlib import Path
from typing import Any, assert_never

from dotenv import dotenv_values
from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

BUSINESS_TIME_ZONE = "Asia/Tokyo"
PROJECT_DIR = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
_PREFIX = "VENDING_"
_SETTINGS_FILE = ".env"
DATA_DIR_VARIABLE = _PREFIX + "DATA_DIR"
COMPANY_VARIABLE = _PREFIX + "COMPANY"
KMS_KEY_VARIABLE = _PREFIX + "KMS_KEY"
AWS_ACCOUNT_VARIABLE = _PREFIX + "AWS_ACCOUNT"
AWS_REGION_VARIABLE = _PREFIX + "AWS_REGION"
AWS_ENDPOINT_VARIABLE = _PREFIX + "AWS_ENDPOINT"
S3_ENDPOINT_VARIABLE = _PREFIX + "S3_ENDPOINT"
SNOWFLAKE_ACCOUNT_VARIABLE = _PREFIX + "SNOWFLAKE_ACCOUNT"
UI_URL_VARIABLE = _PREFIX + "UI_URL"
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d{1,5}")
_WEB_ADDRESS = re.compile(r"https?://[^\s/@]+(/[^\s/@?#]+)*")
_BUCKET_PART = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")
_AWS_ACCOUNT = re.compile(r"[0-9]{12}")
_AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_ENDPOINT = re.compile(
    r"(?P<scheme>https?)://(?P<name>(?P<ip>[0-9.]+|\[[0-9a-f:]+])|[a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?"
)
_THIS_MACHINE = re.compile(r"localhost|127(\.[0-9]+){3}|\[::1]")
_TOKYO = "ap-northeast-1"
_OF_AWS = ("aws_account", "aws_region", "aws_endpoint", "s3_endpoint", "s3_addressing")


class SettingsError(ValueError):
    """The settings contradict each other or are incomplete; the message says which variable to set to what."""


class EnvironmentName(StrEnum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Encryption(StrEnum):
    """Who encrypts the objects that we write."""

    DISK = "the disk's"
    SSE_S3 = "AES256"
    SSE_KMS = "aws:kms"


class S3Addressing(StrEnum):
    """Where a request names the bucket: in the host's name, or in the path."""

    VIRTUAL = "virtual"
    PATH = "path"


class Verification(StrEnum):
    """What a version of the code is to the others: staging's good builds are what production asks for."""

    NONE = "none"
    GIVEN = "given"
    NEEDED = "needed"


class CodeChanges(StrEnum):
    """What a run that nobody watches does with rows that older code has built."""

    REBUILD = "rebuild"
    WAIT = "wait"
    """They stay as they are, and people are told, until one of them starts their rebuilding."""


@dataclass(frozen=True)
class SecretNames:
    """Under which names AWS Secrets Manager keeps what an environment must not write down."""

    snowflake: str
    slack: str
    pseudonyms: str | None = None
    """The key of pseudonyms, which only the environment with the real deliveries has."""


@dataclass(frozen=True)
class AwsTarget:
    """The account that an environment lives in. An endpoint of None is AWS's own for the region."""

    account: str
    region: str
    s3_endpoint: str | None
    s3_addressing: S3Addressing
    endpoint: str | None
    """Where every other service is asked."""
    secrets: SecretNames
    alerts_topic: str
    """The ARN of the SNS topic that people are told by."""
    client_factories: Mapping[str, Callable[[], Any]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )
    """Who makes the client of a service, where it is somebody else than `aws.client`."""


@dataclass(frozen=True)
class Places:
    """Where files live: a local folder, or `s3://bucket/prefix`."""

    raw: str
    processed: str
    artifacts: str
    work: str


@dataclass(frozen=True)
class DuckDBTarget:
    path: Path
    connect: Any = dataclasses.field(default=None, compare=False, repr=False)
    """`connect(read_only=…)`, where somebody else than the warehouse opens the file."""


@dataclass(frozen=True)
class SnowflakeTarget:
    account: str
    user: str
    role: str
    database: str
    warehouse: str
    endpoint: str | None = None
    """Where an emulator listens in the place of the account."""
    connect: Any = dataclasses.field(default=None, compare=False, repr=False)
    """`connect(tag)`, where somebody else than the warehouse makes a connection; its queries carry the tag."""


@dataclass(frozen=True)
class ByFolder:
    """New files are noticed by holding the whole raw place against the ledger at every look: right for a laptop."""


@dataclass(frozen=True)
class ByListing:
    """New files are noticed by listing the raw place a bounded piece at a time: for a store that notifies nobody."""


@dataclass(frozen=True)
class ByNotifications:
    """The store tells of new files through a queue; `dead_letters` takes what can't be understood. Names, not URLs."""

    queue: str
    dead_letters: str


@dataclass(frozen=True)
class Environment:
    """One row of the table of environments. Times of day are UTC, as `HH:MM`; None means "by hand"."""

    name: EnvironmentName
    places: Places
    encryption: Encryption
    kms_key: str | None
    aws: AwsTarget | None
    warehouse: DuckDBTarget | SnowflakeTarget
    arrivals: ByFolder | ByListing | ByNotifications
    dbt_threads: int
    ingestion_starts: str | None
    transformation_starts: str | None
    marts_due: str | None
    verification: Verification
    code_changes: CodeChanges
    revision: str | None
    """The commit that this code is of, where whoever built the image has said so."""
    automatic_retries: int
    cloud_logs: bool
    scratch: Path
    """A local folder for what one process needs while it runs, and for caches that may be lost."""
    dagster_home: Path
    """Where Dagster keeps the history of runs."""
    ui_url: str | None
    """Where people see Dagster's UI, for links in alerts."""
    slack_alerts: bool
    """Whether a Slack channel is told too."""


class _Variables(BaseSettings):
    """Every variable the platform understands, as written by a person: still unchecked against the environment."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=_SETTINGS_FILE, extra="ignore", env_ignore_empty=True
    )

    env: str = EnvironmentName.DEVELOPMENT.value
    data_dir: Path | None = Field(None, description="moves everything local; default ./data")
    company: str | None = Field(None, description="the first part of the buckets' names")
    kms_key: str | None = Field(None, description="the key that encrypts production's objects")
    aws_account: str | None = Field(None, description="the AWS account that the environment lives in, 12 digits")
    aws_region: str | None = Field(None, description="default ap-northeast-1")
    aws_endpoint: str | None = Field(None, description="asked in place of AWS, for every service but S3")
    s3_endpoint: str | None = Field(None, description="asked in place of AWS's own S3, such as a VPC endpoint")
    s3_addressing: str | None = Field(None, description="virtual (default) or path")
    snowflake_account: str | None = None
    snowflake_endpoint: str | None = Field(None, description="an emulator on this machine, in the account's place")
    revision: str | None = Field(None, description="the commit that this code is of; set when an image is built")
    ui_url: str | None = Field(None, description="where people see Dagster's UI")
    slack_alerts: str | None = Field(None, description="true: Slack is told too; its webhook is in a secret")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, dotenv_settings


def load() -> Environment:
    """The environment that the variables (or the settings file `.env`) describe."""
    try:
        of_file = dotenv_values(_SETTINGS_FILE)
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"The settings file {_SETTINGS_FILE} is not UTF-8 at byte {error.start}: save it as UTF-8."
        ) from None
    _refuse_unknown_names({**of_file, **environ})
    variables = _Variables()
    try:
        name = EnvironmentName(variables.env)
    except ValueError:
        allowed = ", ".join(EnvironmentName)
        raise SettingsError(
            f"{_variable('env')}={variables.env!r} is not an environment; it is one of: {allowed}."
        ) from None
    return _environment(name, variables)


def _environment(name: EnvironmentName, variables: _Variables) -> Environment:
    """The table: every environment gives every value, and nothing falls through to another one."""
    match name:
        case EnvironmentName.DEVELOPMENT:
            _check(
                name,
                variables,
                needs=(),
                refuses=("company", "kms_key", *_OF_AWS, "snowflake_account", "snowflake_endpoint", "slack_alerts"),
            )
            data = variables.data_dir or Path("data")
            return Environment(
                name=name,
                places=Places(
                    raw=str(data / "sources"),
                    processed=str(data / "processed-data"),
                    artifacts=str(data / "dbt-artifacts"),
                    work=str(data / "staging"),
                ),
                encryption=Encryption.DISK,
                kms_key=None,
                aws=None,
                warehouse=DuckDBTarget(data / "dbt_dev.duckdb"),
                arrivals=ByFolder(),
                dbt_threads=2,
                ingestion_starts=None,
                transformation_starts=None,
                marts_due=None,
                verification=Verification.NONE,
                code_changes=CodeChanges.REBUILD,
                revision=variables.revision,
                automatic_retries=0,
                cloud_logs=False,
                scratch=data / "scratch",
                dagster_home=data / "dagster",
                ui_url=variables.ui_url or "http://127.0.0.1:3000",
                slack_alerts=False,
            )
        case EnvironmentName.STAGING:
            _check(
                name, variables, needs=("company", "aws_account", "snowflake_account"), refuses=("data_dir", "kms_key")
            )
            return Environment(
                name=name,
                places=_bucket(f"{variables.company}-vending-data-staging"),
                encryption=Encryption.SSE_S3,
                kms_key=None,
                aws=_aws(variables, SecretNames("vending/staging/snowflake", "vending/staging/slack"), "staging"),
                warehouse=SnowflakeTarget(
                    account=str(variables.snowflake_account),
                    user="VENDING_PLATFORM_STG",
                    role="VENDING_PLATFORM_STG",
                    database="VENDING_DATA_STG",
                    warehouse="COMPUTE_WH_STG",
                    endpoint=variables.snowflake_endpoint,
                ),
                arrivals=_queue(f"{variables.company}-vending-arrivals-staging"),
                dbt_threads=4,
                ingestion_starts="01:00",
                transformation_starts="03:00",
                marts_due="05:00",
                verification=Verification.GIVEN,
                code_changes=CodeChanges.REBUILD,
                revision=variables.revision,
                automatic_retries=3,
                cloud_logs=True,
                scratch=Path("scratch"),
                dagster_home=Path("scratch") / "dagster",
                ui_url=variables.ui_url,
                slack_alerts=variables.slack_alerts == "true",
            )
        case EnvironmentName.PRODUCTION:
            _check(
                name, variables, needs=("company", "kms_key", "aws_account", "snowflake_account"), refuses=("data_dir",)
            )
            return Environment(
                name=name,
                places=_bucket(f"{variables.company}-vending-data-prod"),
                encryption=Encryption.SSE_KMS,
                kms_key=variables.kms_key,
                aws=_aws(
                    variables,
                    SecretNames(
                        "vending/production/snowflake",
                        "vending/production/slack",
                        pseudonyms="vending/production/pseudonyms",
                    ),
                    "prod",
                ),
                warehouse=SnowflakeTarget(
                    account=str(variables.snowflake_account),
                    user="VENDING_PLATFORM_PROD",
                    role="VENDING_PLATFORM_PROD",
                    database="VENDING_DATA_PROD",
                    warehouse="COMPUTE_WH_PROD",
                    endpoint=variables.snowflake_endpoint,
                ),
                arrivals=_queue(f"{variables.company}-vending-arrivals-prod"),
                dbt_threads=8,
                ingestion_starts="02:00",
                transformation_starts="04:00",
                marts_due="06:00",
                verification=Verification.NEEDED,
                code_changes=CodeChanges.WAIT,
                revision=variables.revision,
                automatic_retries=3,
                cloud_logs=True,
                scratch=Path("scratch"),
                dagster_home=Path("scratch") / "dagster",
                ui_url=variables.ui_url,
                slack_alerts=variables.slack_alerts == "true",
            )
        case _:
            assert_never(name)


def _aws(variables: _Variables, secrets: SecretNames, suffix: str) -> AwsTarget:
    region = variables.aws_region or _TOKYO
    return AwsTarget(
        account=str(variables.aws_account),
        region=region,
        s3_endpoint=variables.s3_endpoint,
        s3_addressing=S3Addressing(variables.s3_addressing or S3Addressing.VIRTUAL),
        endpoint=variables.aws_endpoint,
        secrets=secrets,
        alerts_topic=f"arn:aws:sns:{region}:{variables.aws_account}:{variables.company}-vending-alerts-{suffix}",
    )


def _bucket(bucket: str) -> Places:
    return Places(
        raw=f"s3://{bucket}/raw-data",
        processed=f"s3://{bucket}/processed-data",
        artifacts=f"s3://{bucket}/dbt-artifacts",
        work=f"s3://{bucket}/staging",
    )


def _queue(queue: str) -> ByNotifications:
    return ByNotifications(queue=queue, dead_letters=f"{queue}-dlq")


def _check(name: EnvironmentName, variables: _Variables, *, needs: tuple[str, ...], refuses: tuple[str, ...]) -> None:
    missing = [_variable(field) for field in needs if getattr(variables, field) is None]
    wrong = [_variable(field) for field in refuses if getattr(variables, field) is not None]
    problems = []
    if missing:
        problems.append(f"{name} needs {', '.join(missing)}")
    if wrong:
        problems.append(f"{name} has no use for {', '.join(wrong)}: unset it, or choose another {_variable('env')}")
    if variables.company is not None and not _BUCKET_PART.fullmatch(variables.company):
        problems.append(
            f"{_variable('company')}={variables.company!r} can't begin a bucket's name: "
            f"2 to 41 lower-case letters, digits and hyphens"
        )
    problems += _wrong_about_aws(variables)
    endpoint = variables.snowflake_endpoint
    if endpoint is not None and not _LOOPBACK.fullmatch(endpoint):
        problems.append(
            f"{_variable('snowflake_endpoint')}={endpoint!r} is not an address on this machine,"
            " as http://127.0.0.1:8000 is"
        )
    if variables.ui_url is not None and not _WEB_ADDRESS.fullmatch(variables.ui_url):
        problems.append(
            f"{_variable('ui_url')}={variables.ui_url!r} is not an address such as https://dagster.example.com"
        )
    if variables.slack_alerts not in (None, "true", "false"):
        problems.append(f"{_variable('slack_alerts')}={variables.slack_alerts!r} is neither true nor false")
    if problems:
        raise SettingsError("Settings can't be used: " + "; ".join(problems) + ".")


def _wrong_about_aws(variables: _Variables) -> Iterator[str]:
    account, region, addressing = variables.aws_account, variables.aws_region, variables.s3_addressing
    if account is not None and not _AWS_ACCOUNT.fullmatch(account):
        yield f"{_variable('aws_account')}={account!r} is not an AWS account: 12 digits"
    if region is not None and not _AWS_REGION.fullmatch(region):
        yield f"{_variable('aws_region')}={region!r} is not a region of AWS, such as {_TOKYO}"
    if addressing is not None and addressing not in set(S3Addressing):
        yield f"{_variable('s3_addressing')}={addressing!r} is none of: {', '.join(S3Addressing)}"
    for field in ("aws_endpoint", "s3_endpoint"):
        endpoint = getattr(variables, field)
        host = _ENDPOINT.fullmatch(endpoint) if endpoint is not None else None
        if endpoint is not None and "@" in endpoint:
            yield f"{_variable(field)} must not hold a user or a password: they come from the profile or the role"
        elif endpoint is not None and host is None:
            yield f"{_variable(field)}={endpoint!r} is not of the form https://host or https://host:port"
        elif host is not None and host["scheme"] == "http" and not _THIS_MACHINE.fullmatch(host["name"]):
            yield f"{_variable(field)}={endpoint!r} is not encrypted: http:// is for this machine alone (127.0.0.1)"
        elif field == "s3_endpoint" and host is not None and host["ip"] and addressing != S3Addressing.PATH:
            yield (
                f"{_variable(field)}={endpoint!r} can't have a bucket's name in front of it: "
                f"set {_variable('s3_addressing')}={S3Addressing.PATH}"
            )
    if variables.aws_endpoint is not None and variables.s3_endpoint is None:
        # Whoever asks an emulator which account this is must not write into the real one's bucket.
        yield f"{_variable('aws_endpoint')} needs {_variable('s3_endpoint')}: all of AWS is elsewhere, or none of it"


def _refuse_unknown_names(names: Iterable[str]) -> None:
    """A misspelt variable would otherwise be ignored, and the run would go where nobody meant it to."""
    known = list(_Variables.model_fields)
    problems = []
    for name in names:
        field = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and field not in known:
            near = get_close_matches(field, known, n=1)
            hint = f"did you mean {_variable(near[0])}?" if near else f"known are: {', '.join(map(_variable, known))}."
            problems.append(f"{name} is not a setting of the platform; {hint}")
    if problems:
        raise SettingsError(" ".join(problems))


def _variable(field: str) -> str:
    return _PREFIX + field.upper()
