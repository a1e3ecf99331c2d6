"""Exports are asked of DynamoDB, and waited for, also across the end of a run.

A note is written before DynamoDB is asked, with the token under which the same request gives the same export: after a
kill in between the next run goes on with the export that there is, and none is paid for twice.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from vending_platform.environment import Encryption
from vending_platform.extraction.deliveries import business_day
from vending_platform.extraction.dynamodb.points import ExportPoint
from vending_platform.extraction.dynamodb.settings import ItemTable
from vending_platform.extraction.interface import SystemUnavailable
from vending_platform.storage import Place

_POLL_SECONDS = 10
_TOKEN_LENGTH = 36


@dataclass(frozen=True)
class WantedExport:
    """An export: the table as it was at `until`, or with `since` what was changed from then until before `until`."""

    until: datetime
    since: datetime | None = None

    @property
    def is_full(self) -> bool:
        return self.since is None


@dataclass(frozen=True)
class PendingExport:
    """An export that was asked for, and which not all sources have got yet."""

    wanted: WantedExport
    prefix: str
    """The folder that its files are in, below the exports' place."""
    arn: str | None = None


def read_pending(work: Place, table: ItemTable) -> PendingExport | None:
    try:
        known = json.loads(b"".join(work.read_path(_path(table))))
        since, until = known["wanted"]["since"], known["wanted"]["until"]
        wanted = WantedExport(datetime.fromisoformat(until), datetime.fromisoformat(since) if since else None)
        return PendingExport(wanted, known["prefix"], known["arn"])
    except (KeyError, ValueError, TypeError):  # there is none, or an older version of the platform wrote it
        return None


def forget_pending(work: Place, table: ItemTable) -> None:
    work.delete(_path(table))


def completed(work: Place, table: ItemTable, wanted: WantedExport) -> tuple[PendingExport, Mapping[str, Any]]:
    """The export, and how DynamoDB describes it, as soon as it is there."""
    pending = read_pending(work, table)
    if pending is None or pending.wanted != wanted:
        pending = PendingExport(wanted, f"dt={business_day(wanted.until)}")
        _write(work, table, pending)
        table.on_point(ExportPoint.PLANNED)
    if pending.arn is None:
        pending = replace(pending, arn=_requested(table, pending))
        table.on_point(ExportPoint.REQUESTED)
        _write(work, table, pending)
        table.on_point(ExportPoint.NUMBERED)
    return pending, _waited(work, table, pending)


def _waited(work: Place, table: ItemTable, pending: PendingExport) -> Mapping[str, Any]:
    waited = 0
    while True:
        with table.errors():
            found: dict[str, Any] = table.client.describe_export(ExportArn=pending.arn)["ExportDescription"]
        match found["ExportStatus"]:
            case "COMPLETED":
                return found
            case "FAILED":
                forget_pending(work, table)
                why = f"{found.get('FailureCode')}: {found.get('FailureMessage')}"
                raise SystemUnavailable(f"{table}: the export {pending.arn} failed: {why}")
        if waited >= 60 * table.settings.wait_minutes:
            raise SystemUnavailable(
                f"{table}: the export {pending.arn} is not there after {table.settings.wait_minutes} minutes; the next"
                " extraction goes on with it"
            )
        table.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _requested(table: ItemTable, pending: PendingExport) -> str:
    """What DynamoDB calls the export; the same request within some hours gets the same one."""
    bucket, _, folder = str(table.settings.exports).removeprefix("s3://").partition("/")
    wanted = pending.wanted
    request: dict[str, Any] = {
        "TableArn": table.description["TableArn"],
        "S3Bucket": bucket,
        "S3Prefix": f"{folder.strip('/')}/{pending.prefix}".lstrip("/"),
        "ExportFormat": "DYNAMODB_JSON",
    }
    if table.encryption is Encryption.SSE_KMS:
        request |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": table.kms_key}
    elif table.encryption is Encryption.SSE_S3:
        request |= {"S3SseAlgorithm": "AES256"}
    if wanted.since is None:
        request |= {"ExportType": "FULL_EXPORT", "ExportTime": wanted.until}
    else:
        request |= {
            "ExportType": "INCREMENTAL_EXPORT",
            "IncrementalExportSpecification": {
                "ExportFromTime": wanted.since,
                "ExportToTime": wanted.until,
                "ExportViewType": "NEW_AND_OLD_IMAGES",
            },
        }
    token = hashlib.sha256(json.dumps(request, default=str, sort_keys=True).encode()).hexdigest()[:_TOKEN_LENGTH]
    with table.errors():
        answer = table.client.export_table_to_point_in_time(ClientToken=token, **request)
    arn: str = answer["ExportDescription"]["ExportArn"]
    return arn


def _write(work: Place, table: ItemTable, pending: PendingExport) -> None:
    work.write(_path(table), json.dumps(asdict(pending), default=datetime.isoformat).encode())


def _path(table: ItemTable) -> str:
    return f"extraction/exports/{table.name}.json"
