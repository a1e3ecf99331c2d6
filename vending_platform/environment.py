"""Which environment this is, and every value that differs between environments.

The only module that reads environment variables. `load()` answers with one `Environment`, or raises
`SettingsError` with one message that names every variable in question, before anything has run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from os import environ
from pathlib import Path
from typing import assert_never

from dotenv import dotenv_values
from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

BUSINESS_TIME_ZONE = "Asia/Tokyo"
PROJECT_DIR = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
_PREFIX = "VENDING_"
_SETTINGS_FILE = ".env"
DATA_DIR_VARIABLE = _PREFIX + "DATA_DIR"
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d{1,5}")
_BUCKET_PART = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")


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


@dataclass(frozen=True)
class SnowflakeTarget:
    account: str
    user: str
    role: str
    database: str
    warehouse: str
    endpoint: str | None = None
    """Where an emulator listens in the place of the account."""


@dataclass(frozen=True)
class Environment:
    """One row of the table of environments. Times of day are UTC, as `HH:MM`; None means "by hand"."""

    name: EnvironmentName
    places: Places
    encryption: Encryption
    kms_key: str | None
    warehouse: DuckDBTarget | SnowflakeTarget
    dbt_threads: int
    ingestion_starts: str | None
    transformation_starts: str | None
    marts_due: str | None
    automatic_retries: int
    cloud_logs: bool
    cloud_alerts: bool
    scratch: Path
    """A local folder for what one process needs while it runs, and for caches that may be lost."""
    dagster_home: Path
    """Where Dagster keeps the history of runs."""


class _Variables(BaseSettings):
    """Every variable the platform understands, as written by a person: still unchecked against the environment."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=_SETTINGS_FILE, extra="ignore", env_ignore_empty=True
    )

    env: str = EnvironmentName.DEVELOPMENT.value
    data_dir: Path | None = Field(None, description="moves everything local; default ./data")
    company: str | None = Field(None, description="the first part of the buckets' names")
    kms_key: str | None = Field(None, description="the key that encrypts production's objects")
    snowflake_account: str | None = None
    snowflake_endpoint: str | None = Field(None, description="an emulator on this machine, in the account's place")

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
    _refuse_unknown_names({**dotenv_values(_SETTINGS_FILE), **environ})
    variables = _Variables()
    try:
        name = EnvironmentName(variables.env)
    except ValueError:
        allowed = ", ".join(EnvironmentName)
        raise SettingsError(
            f"{_variable('env')}={variables.env!r} is no environment; it is one of: {allowed}."
        ) from None
    return _environment(name, variables)


def _environment(name: EnvironmentName, variables: _Variables) -> Environment:
    """The table: every environment gives every value, and nothing falls through to another one."""
    match name:
        case EnvironmentName.DEVELOPMENT:
            _check(name, variables, needs=(), refuses=("company", "kms_key", "snowflake_account", "snowflake_endpoint"))
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
                warehouse=DuckDBTarget(data / "dbt_dev.duckdb"),
                dbt_threads=2,
                ingestion_starts=None,
                transformation_starts=None,
                marts_due=None,
                automatic_retries=0,
                cloud_logs=False,
                cloud_alerts=False,
                scratch=data / "scratch",
                dagster_home=data / "dagster",
            )
        case EnvironmentName.STAGING:
            _check(name, variables, needs=("company", "snowflake_account"), refuses=("data_dir", "kms_key"))
            return Environment(
                name=name,
                places=_bucket(f"{variables.company}-vending-data-staging"),
                encryption=Encryption.SSE_S3,
                kms_key=None,
                warehouse=SnowflakeTarget(
                    account=str(variables.snowflake_account),
                    user="VENDING_PLATFORM_STG",
                    role="VENDING_PLATFORM_STG",
                    database="VENDING_DATA_STG",
                    warehouse="COMPUTE_WH_STG",
                    endpoint=variables.snowflake_endpoint,
                ),
                dbt_threads=4,
                ingestion_starts="01:00",
                transformation_starts="03:00",
                marts_due="05:00",
                automatic_retries=3,
                cloud_logs=True,
                cloud_alerts=True,
                scratch=Path("scratch"),
                dagster_home=Path("scratch") / "dagster",
            )
        case EnvironmentName.PRODUCTION:
            _check(name, variables, needs=("company", "snowflake_account", "kms_key"), refuses=("data_dir",))
            return Environment(
                name=name,
                places=_bucket(f"{variables.company}-vending-data-prod"),
                encryption=Encryption.SSE_KMS,
                kms_key=variables.kms_key,
                warehouse=SnowflakeTarget(
                    account=str(variables.snowflake_account),
                    user="VENDING_PLATFORM_PROD",
                    role="VENDING_PLATFORM_PROD",
                    database="VENDING_DATA_PROD",
                    warehouse="COMPUTE_WH_PROD",
                    endpoint=variables.snowflake_endpoint,
                ),
                dbt_threads=8,
                ingestion_starts="02:00",
                transformation_starts="04:00",
                marts_due="06:00",
                automatic_retries=3,
                cloud_logs=True,
                cloud_alerts=True,
                scratch=Path("scratch"),
                dagster_home=Path("scratch") / "dagster",
            )
        case _:
            assert_never(name)


def _bucket(bucket: str) -> Places:
    return Places(
        raw=f"s3://{bucket}/raw-data",
        processed=f"s3://{bucket}/processed-data",
        artifacts=f"s3://{bucket}/dbt-artifacts",
        work=f"s3://{bucket}/staging",
    )


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
    if (endpoint := variables.snowflake_endpoint) is not None and not _LOOPBACK.fullmatch(endpoint):
        problems.append(
            f"{_variable('snowflake_endpoint')}={endpoint!r} is no address on this machine, as http://127.0.0.1:8000 is"
        )
    if problems:
        raise SettingsError("Settings can't be used: " + "; ".join(problems) + ".")


def _refuse_unknown_names(names: Iterable[str]) -> None:
    """A misspelt variable would otherwise be ignored, and the run would go where nobody meant it to."""
    known = list(_Variables.model_fields)
    problems = []
    for name in names:
        field = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and field not in known:
            near = get_close_matches(field, known, n=1)
            hint = f"did you mean {_variable(near[0])}?" if near else f"known are: {', '.join(map(_variable, known))}."
            problems.append(f"{name} is no setting of the platform; {hint}")
    if problems:
        raise SettingsError(" ".join(problems))


def _variable(field: str) -> str:
    return _PREFIX + field.upper()
