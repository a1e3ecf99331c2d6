"""One environment of one domain, as the rest of the platform sees it."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from vending_platform.environment.apis import ApiSettings
from vending_platform.environment.connections import ConnectionSettings
from vending_platform.environment.dynamodb import ItemTableSettings
from vending_platform.environment.warehouses import WarehouseSettings

BUSINESS_TIME_ZONE = "Asia/Tokyo"


class EnvironmentName(StrEnum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Encryption(StrEnum):
    """What encrypts the objects that we write."""

    DISK = "the disk's"
    SSE_S3 = "AES256"
    SSE_KMS = "aws:kms"


class S3Addressing(StrEnum):
    """Where a request names the bucket: in the host's name, or in the path."""

    VIRTUAL = "virtual"
    PATH = "path"


class Verification(StrEnum):
    """Whether an environment verifies versions of the code, or needs verified ones: staging's good builds are what
    production accepts."""

    NONE = "none"
    GIVEN = "given"
    NEEDED = "needed"


class CodeChanges(StrEnum):
    """What a run that no person watches does with rows that older code has built."""

    REBUILD = "rebuild"
    WAIT = "wait"
    """They stay as they are, and people are notified, until one of them starts the rebuild."""


@dataclass(frozen=True)
class SecretNames:
    """The names in AWS Secrets Manager of what an environment must not write down."""

    warehouse: str
    """Empty where the warehouse is opened without a secret."""
    slack: str
    pseudonyms: str | None = None
    """The key of pseudonyms, which only the environment with the real deliveries has."""
    api_keys: str | None = None
    """What is kept of the keys by which programs use the service."""
    lineage: str | None = None
    """The key that a lineage backend asks for."""


@dataclass(frozen=True)
class AwsTarget:
    """The account that an environment lives in. An endpoint of None is AWS's own for the region."""

    account: str
    region: str
    s3_endpoint: str | None
    s3_addressing: S3Addressing
    endpoint: str | None
    """The endpoint of every other service."""
    secrets: SecretNames
    alerts_topic: str
    """The ARN of the SNS topic that alerts people."""
    client_factories: Mapping[str, Callable[[], Any]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )
    """Makes the client of a service in the place of `aws.client`."""


@dataclass(frozen=True)
class Places:
    """Where files live: a local folder, or `s3://bucket/prefix`."""

    raw: str
    processed: str
    artifacts: str
    work: str


class LakeCatalog(StrEnum):
    """What keeps the names of the lake's tables, and which version of each is the current one."""

    SQLITE = "sqlite"
    GLUE = "glue"


@dataclass(frozen=True)
class LakeSettings:
    """Where an environment's Iceberg tables are."""

    catalog: LakeCatalog
    warehouse: str
    """The place of all files: a local folder, or `s3://bucket/prefix`."""
    databases: str
    """What the names of the catalog's databases begin with; the namespace follows."""
    keep_days: int
    """How long a snapshot can be read after another one took its place."""
    orphan_days: int
    """How long a file stays that no snapshot needs. A write has to be committed within half of that."""
    athena: str | None
    """The workgroup of Athena that answers questions; None means that DuckDB answers them here."""
    maintained: str | None
    """When maintenance starts, as `HH:MM` in UTC; None means "by hand"."""


@dataclass(frozen=True)
class ByFolder:
    """New files are found by comparing the whole raw place with the ledger at every tick: right for a laptop."""


@dataclass(frozen=True)
class ByListing:
    """New files are found by listing the raw place a bounded piece at a time: for a store without notifications."""


@dataclass(frozen=True)
class ByNotifications:
    """The store sends notifications of new files to a queue; `dead_letters` gets those that can't be understood. Names,
    not URLs."""

    queue: str
    dead_letters: str


class LineageTransport(StrEnum):
    """How OpenLineage events leave."""

    FILE = "file"
    HTTP = "http"
    KAFKA = "kafka"


@dataclass(frozen=True)
class LineageTarget:
    """Where OpenLineage events wait, and where they go. `to` is a folder or `s3://bucket/prefix`, a URL, or
    Kafka's servers."""

    outbox: Path
    transport: LineageTransport
    to: str
    topic: str | None = None


@dataclass(frozen=True)
class ServiceSettings:
    """How the service is reached, and by whom; all None on a laptop, where it listens on this machine only."""

    dagster_url: str | None = None
    """Where it reaches Dagster, if that is not where people see it."""
    host: str | None = None
    """The name that people open it under."""
    token_issuer: str | None = None
    """The identity provider whose tokens it accepts beside API keys."""
    token_audience: str | None = None
    """For whom these tokens have to be."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and how to sign in."""

    url: str = dataclasses.field(repr=False)
    """May hold a password on a laptop, so it is never shown."""
    secret: str | None
    is_verified: bool
    """Whether the connection is encrypted and the server's certificate checked."""
    authority: str | None


@dataclass(frozen=True)
class DatabaseSettings(DatabaseAddress):
    """A database that extractions read."""

    statement_minutes: int


@dataclass(frozen=True)
class DatabaseApiSettings:
    """An HTTP API that serves a database."""

    database: DatabaseAddress
    owner: DatabaseAddress
    """The same, for who may change its tables."""
    keys_secret: str | None
    pool: int
    statement_seconds: float
    per_second: float
    burst: int


@dataclass(frozen=True)
class Environment:
    """One environment of one domain. Times of day are UTC, as `HH:MM`; None means "by hand"."""

    domain: str
    project_dir: Path
    """The domain's dbt project."""
    name: EnvironmentName
    places: Places
    encryption: Encryption
    kms_key: str | None
    aws: AwsTarget | None
    warehouse: WarehouseSettings
    lake: LakeSettings | None
    arrivals: ByFolder | ByListing | ByNotifications
    dbt_threads: int
    databases: Mapping[str, DatabaseSettings] = dataclasses.field(hash=False)
    dynamodb: Mapping[str, ItemTableSettings] = dataclasses.field(hash=False)
    connections: Mapping[str, ConnectionSettings] = dataclasses.field(hash=False)
    """Services that are connected by OAuth."""
    apis: Mapping[str, ApiSettings] = dataclasses.field(hash=False)
    extraction_starts: str | None
    item_extraction_starts: str | None
    """Of tables of DynamoDB, where that is another hour."""
    ingestion_starts: str | None
    transformation_starts: str | None
    forecast_starts: str | None
    """Of functions whose results come back as deliveries."""
    marts_due: str | None
    verification: Verification
    code_changes: CodeChanges
    revision: str | None
    """The commit of this code, if the build of the image has set it."""
    automatic_retries: int
    cloud_logs: bool
    scratch: Path
    """A local folder for what one process needs while it runs, and for caches that may be lost."""
    dagster_home: Path
    """Where Dagster keeps the history of runs."""
    ui_url: str | None
    """Where people see Dagster's UI, for links in alerts."""
    slack_alerts: bool
    """Whether a Slack channel gets alerts too."""
    service: ServiceSettings = ServiceSettings()
    database_apis: Mapping[str, DatabaseApiSettings] = dataclasses.field(default_factory=dict, hash=False)
    warehouse_endpoint: str | None = None
    """Where an emulator listens in the place of the warehouse."""
    lineage: LineageTarget | None = None
    """None: no events are made."""
    connect_warehouse: Any = dataclasses.field(default=None, compare=False, repr=False)
    """Makes the warehouse's connections where the warehouse does not make them itself; each type calls it its own
    way."""
