"""What `environments.yml` can declare: every value that differs between the environments of a domain.

Every environment gives every value, `null` where there is none: nothing falls through from one environment to another.
A value in braces, as `{company}`, is a variable of the deployment, which the file declares under `variables`.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vending_platform.environment.apis import ApiAuth, ApiSettings, contradictions_of_api
from vending_platform.environment.connections import ConnectionSettings
from vending_platform.environment.dynamodb import ItemTableSettings
from vending_platform.environment.errors import SettingsError
from vending_platform.environment.model import CodeChanges, EnvironmentName, LineageTransport, Verification
from vending_platform.environment.warehouses import UNKNOWN_TYPE, DeclaredWarehouse

PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Text = Annotated[str, StringConstraints(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Variable(_Section):
    """A value that the deployment sets as `VENDING_…`; one without a default has to be set where it is used."""

    description: Text
    default: str | None = None
    pattern: str | None = None
    must_be: str | None = None
    """The pattern in words, for the message about a value that does not match it."""


class DeclaredPlaces(_Section):
    raw: Text
    processed: Text
    artifacts: Text
    work: Text


class DeclaredEncryption(_Section):
    by: Literal["disk", "s3", "kms"]
    key: Text | None


class DeclaredSecrets(_Section):
    warehouse: Text | None
    slack: Text
    pseudonyms: Text | None
    api_keys: Text | None
    lineage: Text | None


class DeclaredAws(_Section):
    account: Text
    region: Text
    secrets: DeclaredSecrets
    alerts_topic: Text


class DeclaredArrivals(_Section):
    by: Literal["folder", "listing", "notifications"]
    queue: Text | None
    dead_letters: Text | None


class DeclaredDatabase(_Section):
    """A database that extractions read. `secret` holds user and password as JSON; `authority` is a file with the
    certificate that the server's is signed with, null for those that this computer trusts."""

    url: Text
    secret: Text | None
    tls: Literal["verified", "off"]
    authority: Text | None
    statement_limit: int = Field(ge=1)
    """Minutes after which the server ends a query."""


class DeclaredDatabaseApi(_Section):
    """An HTTP API that serves a database. `secret` is for its own user, `owner_secret` for the person who changes the
    tables; `keys` holds the API keys of its callers. null where there is none."""

    url: Text
    secret: Text | None
    owner_secret: Text | None
    keys: Text | None
    tls: Literal["verified", "off"]
    authority: Text | None
    pool: int = Field(ge=1, le=1000)
    """Connections of one process at most."""
    statement_seconds: float = Field(gt=0, le=30)
    """How long the database may take for one piece of work, and wait for a lock."""
    per_second: float = Field(gt=0)
    burst: int = Field(ge=1)
    """Requests of one caller: on the average, and at once."""


class DeclaredStarts(_Section):
    """Times of day in UTC; null means "by hand"."""

    extraction: TimeOfDay | None
    item_extraction: TimeOfDay | None
    """Of tables of DynamoDB."""
    ingestion: TimeOfDay | None
    transformation: TimeOfDay | None
    forecast: TimeOfDay | None
    """Of functions whose results come back as deliveries; null also where a domain has none."""


class DeclaredLineage(_Section):
    outbox: Text
    transport: LineageTransport
    to: Text
    topic: Text | None


class DeclaredLake(_Section):
    catalog: Literal["sqlite", "glue"]
    warehouse: Text
    databases: Text | None
    """What the names of Glue's databases begin with; the namespace follows."""
    keep_days: int = Field(ge=1)
    orphan_days: int = Field(ge=1)
    athena: Text | None
    """The workgroup that answers questions, and says where results lie."""
    maintained: TimeOfDay | None


class DeclaredEnvironment(_Section):
    places: DeclaredPlaces
    scratch: Text
    dagster_home: Text
    encryption: DeclaredEncryption
    aws: DeclaredAws | None
    warehouse: DeclaredWarehouse
    lake: DeclaredLake | None
    arrivals: DeclaredArrivals
    databases: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], DeclaredDatabase]
    database_apis: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], DeclaredDatabaseApi]
    dynamodb: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], ItemTableSettings]
    connections: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], ConnectionSettings]
    apis: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], ApiSettings]
    dbt_threads: int = Field(ge=1)
    starts: DeclaredStarts
    marts_due: TimeOfDay | None
    retries: int = Field(ge=0)
    verification: Verification
    code_changes: CodeChanges
    logs: Literal["local", "cloudwatch"]
    ui_url: Text | None
    lineage: DeclaredLineage | None


class EnvironmentsFile(_Section):
    domain: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    variables: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Variable]
    environments: dict[EnvironmentName, DeclaredEnvironment]


@lru_cache(maxsize=32)
def read_environments(path: Path) -> EnvironmentsFile:
    """SettingsError names every mistake in the file, each with its key."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist: a domain is a dbt project with such a file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    try:
        declared = EnvironmentsFile.model_validate(content)
    except ValidationError as error:
        raise _unusable(path, list(_mistakes(error))) from None
    if mistakes := list(_contradictions(declared)):
        raise _unusable(path, mistakes)
    return declared


def placeholders(value: Any) -> Iterator[tuple[str, str]]:
    """Every variable that is used in a declared value, with the key that uses it."""
    match value:
        case BaseModel():
            for key in type(value).model_fields:
                for below, name in placeholders(getattr(value, key)):
                    yield f"{key}.{below}".rstrip("."), name
        case str():
            for name in PLACEHOLDER.findall(value):
                yield "", name
        case dict():
            for key, inner in value.items():
                for below, name in placeholders(inner):
                    yield f"{key}.{below}".rstrip("."), name


def _unusable(path: Path, mistakes: list[str]) -> SettingsError:
    return SettingsError(f"{path.parent.name}/{path.name} can't be used: {'; '.join(mistakes)}.")


def _mistakes(error: ValidationError) -> Iterator[str]:
    for found in error.errors():
        key = ".".join(str(part) for part in found["loc"] if part != "[key]")
        match found["type"]:
            case "missing":
                yield f"{key} is missing (write null where there is none)"
            case unknown if unknown == UNKNOWN_TYPE:
                yield f"{key}.type={found['ctx']['type']!r} is none of: {found['ctx']['known']}"
            case "extra_forbidden":
                yield f"{key} is not a setting"
            case "string_pattern_mismatch":
                yield f"{key}={found['input']!r} is not of the form {found['ctx']['pattern']}"
            case _:
                yield f"{key}={found['input']!r}: {found['msg'][0].lower()}{found['msg'][1:]}"


def _contradictions(declared: EnvironmentsFile) -> Iterator[str]:
    for name in EnvironmentName:
        if name not in declared.environments:
            yield f"environments.{name} is missing: every environment is declared"
    used = set()
    for name, environment in declared.environments.items():
        where = f"environments.{name}"
        for key, variable in placeholders(environment):
            used.add(variable)
            if variable not in declared.variables:
                near = get_close_matches(variable, declared.variables, n=1)
                hint = f"; did you mean {{{near[0]}}}?" if near else ""
                yield f"{where}.{key} uses {{{variable}}}, which is not among the variables{hint}"
        yield from (f"{where}.{mistake}" for mistake in _contradictions_within(environment))
    for variable in declared.variables.keys() - used:
        yield f"variables.{variable} is used by no environment"


def _contradictions_within(environment: DeclaredEnvironment) -> Iterator[str]:
    in_s3 = [key for key in DeclaredPlaces.model_fields if getattr(environment.places, key).startswith("s3://")]
    if in_s3 and environment.aws is None:
        yield f"places.{in_s3[0]} is in S3, so aws can't be null"
    if environment.lake is not None:
        yield from (f"lake.{mistake}" for mistake in _contradictions_of_lake(environment.lake, environment.aws))
    if environment.arrivals.by == "notifications":
        if environment.aws is None:
            yield "arrivals.by is notifications, so aws can't be null"
        for key in ("queue", "dead_letters"):
            if getattr(environment.arrivals, key) is None:
                yield f"arrivals.{key} is missing, and arrivals.by is notifications"
    if environment.encryption.by == "kms" and environment.encryption.key is None:
        yield "encryption.key is missing, and encryption.by is kms"
    if (lineage := environment.lineage) is not None:
        if lineage.transport is LineageTransport.FILE and lineage.to.startswith("s3://") and environment.aws is None:
            yield "lineage.to is in S3, so aws can't be null"
        if lineage.transport is LineageTransport.HTTP and not lineage.to.startswith(("http://", "https://")):
            yield f"lineage.to={lineage.to!r} is not an address such as https://lineage.example.com/api/v1/lineage"
        if (lineage.topic is None) != (lineage.transport is not LineageTransport.KAFKA):
            yield f"lineage.topic is what kafka needs, and only kafka; lineage.transport is {lineage.transport}"
    for name, database in environment.databases.items():
        if database.secret is not None and environment.aws is None:
            yield f"databases.{name}.secret is in AWS Secrets Manager, so aws can't be null"
    for name, served in environment.database_apis.items():
        for key in ("secret", "owner_secret", "keys"):
            if getattr(served, key) is not None and environment.aws is None:
                yield f"database_apis.{name}.{key} is in AWS Secrets Manager, so aws can't be null"
    for name, table in environment.dynamodb.items():
        yield from (f"dynamodb.{name} {mistake}" for mistake in table.mistakes(has_aws=environment.aws is not None))
    for name, api in environment.apis.items():
        if api.auth is ApiAuth.OAUTH and name not in environment.connections:
            yield f"apis.{name}.auth is oauth, and {name} is not among the connections"
    for name, connection in environment.connections.items():
        mistakes = connection.mistakes(has_aws=environment.aws is not None)
        yield from (f"connections.{name}.{mistake}" for mistake in mistakes)
    for name, api in environment.apis.items():
        yield from (f"apis.{name}.{mistake}" for mistake in contradictions_of_api(api))
    if environment.warehouse.has_secret and environment.aws is None:
        yield "warehouse has its secret in AWS Secrets Manager, so aws can't be null"
    if environment.aws is not None and environment.warehouse.has_secret and environment.aws.secrets.warehouse is None:
        yield "aws.secrets.warehouse is missing, and a warehouse of this type is opened with a secret"


def _contradictions_of_lake(lake: DeclaredLake, aws: DeclaredAws | None) -> Iterator[str]:
    is_in_s3 = lake.warehouse.startswith("s3://")
    if lake.catalog == "sqlite" and lake.athena is not None:
        yield "athena asks tables of Glue, and catalog is sqlite"
    if lake.catalog == "sqlite" and is_in_s3:
        yield "catalog is a file of SQLite, so warehouse must be a local folder"
    if lake.catalog == "glue":
        if aws is None:
            yield "catalog is glue, so aws can't be null"
        if not is_in_s3:
            yield "catalog is glue, so warehouse must be in S3"
        if lake.databases is None:
            yield "databases is missing, and catalog is glue"
