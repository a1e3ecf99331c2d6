"""A table of DynamoDB as something to extract from, and what goes wrong between here and AWS."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from vending_platform import aws
from vending_platform.aws import AwsErrorDetails, AwsErrorKind
from vending_platform.environment import AwsTarget, Encryption, ItemTableSettings, S3Addressing
from vending_platform.extraction.dynamodb.points import OnExportPoint
from vending_platform.extraction.interface import ExtractionError, SystemUnavailable
from vending_platform.storage import Place, open_place

_LACKS = ("TableNotFoundException", "ResourceNotFoundException")
_NO_CREDENTIALS = "NoCredentialsError"
_NO_RECOVERY = "PointInTimeRecoveryUnavailableException"


@dataclass(frozen=True)
class ItemTable:
    """What environments.yml calls `name`; nothing is opened before it is used."""

    name: str
    settings: ItemTableSettings
    target: AwsTarget
    encryption: Encryption = Encryption.SSE_S3
    kms_key: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    on_point: OnExportPoint = lambda _: None

    def __str__(self) -> str:
        return f"the DynamoDB table {self.settings.table} ({self.name})"

    @cached_property
    def client(self) -> Any:
        return aws.client(self.target, "dynamodb")

    @cached_property
    def exports(self) -> Place:
        """Where exports are laid down."""
        return open_place(str(self.settings.exports), self.target, encryption=self.encryption, kms_key=self.kms_key)

    @cached_property
    def description(self) -> dict[str, Any]:
        with self.errors():
            found: dict[str, Any] = self.client.describe_table(TableName=self.settings.table)["Table"]
            return found

    @property
    def key(self) -> tuple[str, ...]:
        """The attributes by which its items are distinguished."""
        return tuple(part["AttributeName"] for part in self.description["KeySchema"])

    @cached_property
    def earliest(self) -> datetime:
        """The first moment that can be exported."""
        with self.errors():
            answer = self.client.describe_continuous_backups(TableName=self.settings.table)
        found = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if found.get("PointInTimeRecoveryStatus") != "ENABLED":
            raise ExtractionError(self._without_recovery)
        earliest: datetime = found["EarliestRestorableDateTime"]
        return earliest

    @property
    def _without_recovery(self) -> str:
        return (
            f"{self} can't be exported: turn on its point-in-time recovery, or set exports to null in environments.yml,"
            " so that it is scanned"
        )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What AWS refuses, as a person reads it."""
        try:
            yield
        except aws.AWS_ERRORS as error:
            problem = aws.problem_of(error)
            if problem.code == _NO_RECOVERY:
                raise ExtractionError(self._without_recovery) from error
            if problem.code in _LACKS:
                raise ExtractionError(f"{self} does not exist: {problem.detail}") from error
            if problem.kind is AwsErrorKind.DENIED:
                raise ExtractionError(f"{self}: {problem.detail}: give the role of extractions this right") from error
            raise SystemUnavailable(self._unreached(problem)) from error

    def _unreached(self, problem: AwsErrorDetails) -> str:
        """An endpoint of its own is an emulator's, for which other things are missing than for AWS."""
        endpoint, key = self.settings.endpoint, f"dynamodb.{self.name}.endpoint"
        if endpoint is not None and problem.kind is AwsErrorKind.UNREACHABLE:
            return (
                f"{self}: nothing answers at {endpoint}: start the emulator there, or correct {key} in environments.yml"
            )
        if endpoint is not None and problem.code == _NO_CREDENTIALS:
            return (
                f"{self} is at {endpoint} ({key} in environments.yml), an emulator, and no credentials are set:"
                " start it, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to any words"
            )
        return f"{self}: {problem.explain(self.target, 'dynamodb')}"


def item_table(
    name: str,
    settings: ItemTableSettings,
    target: AwsTarget | None,
    *,
    encryption: Encryption = Encryption.DISK,
    kms_key: str | None = None,
) -> ItemTable:
    """In the account of the environment, or at the endpoint that the settings name."""
    if settings.endpoint is not None:
        bare = aws.target_at(settings.region, settings.endpoint, addressing=S3Addressing.PATH)
        target = bare if target is None else replace(target, endpoint=settings.endpoint, s3_endpoint=settings.endpoint)
    if target is None:
        raise ExtractionError(f"{name} is in no account: declare aws or an endpoint for it in environments.yml")
    by = Encryption.SSE_S3 if encryption is Encryption.DISK else encryption  # exports are in S3 in any case
    return ItemTable(name, settings, target, by, kms_key)
