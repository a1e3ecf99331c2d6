"""Exports of DynamoDB on this machine: the tables are moto's, and what moto lacks stands here.

Every write is noted with its time, as point-in-time recovery does, so a table can be exported as it was at any moment,
and what changed between two. The files are laid out as AWS's are: manifests with their checksums, data in gzip, an
empty file for an empty partition, increments in a folder that they share. The clock is set, never waited for.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from vending_platform_tests.emulators.aws import ACCOUNT, REGION, EmulatedAws

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TARGET = "DynamoDB_20120810."
_PARTITIONS = 3
_SHORTEST, _LONGEST = timedelta(minutes=15), timedelta(hours=24)
_REACH = timedelta(days=35)
Item = dict[str, Any]


class _Refused(Exception):
    """An error of the API: its code, and what it says."""


@dataclass(frozen=True)
class _Write:
    at: datetime
    key: str
    item: Item | None


@dataclass
class _Journal:
    """In the place of a table's stream: hears of every write."""

    clock: Callable[[], datetime]
    key: tuple[str, ...]
    since: datetime
    writes: list[_Write] = field(default_factory=list)

    def add(self, old: Any, new: Any) -> None:
        item = _plain(new if new is not None else old)
        key = json.dumps({name: item[name] for name in self.key}, sort_keys=True)
        self.writes.append(_Write(self.clock(), key, None if new is None else item))

    def at(self, moment: datetime) -> dict[str, Item]:
        """The items as they were: what was written at the moment itself is not there yet."""
        found: dict[str, Item] = {}
        for write in self.writes:
            if write.at < moment:
                found.pop(write.key, None)
                if write.item is not None:
                    found[write.key] = write.item
        return found

    def changes(self, since: datetime, until: datetime) -> list[Item]:
        """A line for each key that was written, with its item before and after, where there was one."""
        before, after = self.at(since), self.at(until)
        last = {write.key: write.at for write in self.writes if since <= write.at < until}
        return [
            {
                "Metadata": {"WriteTimestampMicros": {"N": str(int(at.timestamp() * 1_000_000))}},
                "Keys": json.loads(key),
                **({"OldImage": before[key]} if key in before else {}),
                **({"NewImage": after[key]} if key in after else {}),
            }
            for key, at in last.items()
        ]


@dataclass
class ExportEmulator:
    """DynamoDB with exports, which need `polls` more questions until they are there."""

    aws: EmulatedAws
    set_to: datetime | None = datetime(2024, 3, 1, tzinfo=UTC)
    """What its clock shows; None: what the computer's does."""
    polls: int = 0
    failure: str | None = None
    """The code with which the next exports fail."""
    requested: list[Item] = field(default_factory=list)
    """Every request for an export that made one."""
    _journals: dict[str, _Journal] = field(default_factory=dict)
    _exports: dict[str, Item] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.aws.client("dynamodb")

    @property
    def now(self) -> datetime:
        return self.set_to or datetime.now(UTC)

    def create_table(self, name: str, *key: str, recovery_since: datetime | None = None) -> None:
        """With text attributes as its key, and recovery from now on."""
        kinds = ("HASH", "RANGE")
        self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": part, "KeyType": kind} for part, kind in zip(key, kinds, strict=False)],
            AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in key],
            BillingMode="PAY_PER_REQUEST",
        )
        from moto.dynamodb.models import dynamodb_backends

        journal = _Journal(lambda: self.now, key, recovery_since or self.now)
        table: Any = dynamodb_backends[ACCOUNT][REGION].get_table(name)
        table.stream_shard = self._journals[name] = journal

    def pass_time(self, **hours: float) -> None:
        self.set_to = self.now + timedelta(**hours)

    def items(self, name: str) -> list[Item]:
        """What the table holds now, in DynamoDB's JSON."""
        return list(self._journals[name].at(self.now + timedelta(microseconds=1)).values())

    def forget_recovery(self, name: str) -> None:
        """As if recovery were turned off."""
        del self._journals[name]

    def answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterator[bytes]:
        """What DynamoDB does about exports."""
        operation = environ["HTTP_X_AMZ_TARGET"].removeprefix(_TARGET)
        request = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        operations = {
            "ExportTableToPointInTime": self._export,
            "DescribeExport": self._describe,
            "DescribeContinuousBackups": self._recovery,
        }
        try:
            status, body = "200 OK", operations[operation](request)
        except _Refused as refused:
            code, message = refused.args
            status, body = "400 Bad Request", {"__type": f"com.amazonaws.dynamodb#{code}", "message": message}
        content = json.dumps(body).encode()
        start(status, [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(content)))])
        yield content

    def _recovery(self, request: Item) -> Item:
        journal = self._journals.get(request["TableName"])
        if journal is None:
            return {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}}
        earliest = max(journal.since, self.now - _REACH)
        described = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "EarliestRestorableDateTime": earliest.timestamp(),
            "LatestRestorableDateTime": self.now.timestamp(),
        }
        return {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": described,
            }
        }

    def _export(self, request: Item) -> Item:
        name = request["TableArn"].rsplit("/", 1)[1]
        for known in self._exports.values():
            if known["ClientToken"] == request["ClientToken"]:
                return {"ExportDescription": known}
        if name not in self._journals:
            raise _Refused("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not on for {name}")
        journal, increment = self._journals[name], request.get("IncrementalExportSpecification")
        earliest = max(journal.since, self.now - _REACH)
        if increment is not None:
            since, until = _moment(increment["ExportFromTime"]), _moment(increment["ExportToTime"])
            if not _SHORTEST <= until - since <= _LONGEST or since < earliest or until > self.now:
                raise _Refused("InvalidExportTimeException", f"from {since} to {until} can't be exported")
        else:
            since, until = None, _moment(request["ExportTime"])
            if not earliest <= until <= self.now:
                raise _Refused("InvalidExportTimeException", f"{until} can't be exported")
        folder = request.get("S3Prefix") or ""
        number = f"0{int(self.now.timestamp() * 1000)}-{len(self._exports):08x}"
        described = {
            **{key: request.get(key) for key in ("TableArn", "ClientToken", "ExportType")},
            **{key: value for key, value in request.items() if key.startswith("S3")},
            "ExportArn": f"{request['TableArn']}/export/{number}",
            "ExportFormat": request["ExportFormat"],
            "ExportStatus": "IN_PROGRESS",
            "StartTime": self.now.timestamp(),
        }
        self.requested.append(request)
        self._exports[described["ExportArn"]], self._left[described["ExportArn"]] = described, self.polls
        if self.failure is not None:
            described |= {"ExportStatus": "FAILED", "FailureCode": self.failure, "FailureMessage": "it failed"}
        else:
            described["ItemCount"] = self._write(described, f"{folder}/AWSDynamoDB".lstrip("/"), journal, since, until)
        return {"ExportDescription": described}

    def _describe(self, request: Item) -> Item:
        arn = request["ExportArn"]
        if arn not in self._exports:
            raise _Refused("ExportNotFoundException", f"{arn} does not exist")
        if self._exports[arn]["ExportStatus"] == "IN_PROGRESS":
            if self._left[arn] <= 0:
                self._exports[arn]["ExportStatus"] = "COMPLETED"
            self._left[arn] -= 1
        return {"ExportDescription": self._exports[arn]}

    def _write(self, described: Item, base: str, journal: _Journal, since: datetime | None, until: datetime) -> int:
        lines = journal.changes(since, until) if since else [{"Item": item} for item in journal.at(until).values()]
        number = described["ExportArn"].rsplit("/", 1)[1]
        data = f"{base}/data" if since else f"{base}/{number}/data"
        parts: list[list[Item]] = [[] for _ in range(_PARTITIONS)]
        for line in lines:
            whole: Item = line.get("Keys") or line["Item"]
            key = {name: whole[name] for name in journal.key}
            hashed = hashlib.md5(json.dumps(key).encode()).digest()[0]
            parts[hashed % (_PARTITIONS - 1)].append(line)  # the last one stays empty
        put = self._put(described)
        listed = []
        for index, part in enumerate(parts):
            text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in part)
            name = hashlib.sha256(f"{number}{index}".encode()).hexdigest()[:26]
            listed.append(
                put(f"{data}/{name}.json.gz", gzip.compress(text.encode(), mtime=0)) | {"itemCount": len(part)}
            )
        summary = {
            "version": "2023-08-01" if since else "2020-06-30",
            "exportArn": described["ExportArn"],
            "startTime": _written(self.now),
            "endTime": _written(self.now),
            "tableArn": described["TableArn"],
            "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
            **(
                {"exportFromTime": _written(since), "exportToTime": _written(until)}
                if since
                else {"exportTime": _written(until)}
            ),
            "s3Bucket": described["S3Bucket"],
            "s3Prefix": described.get("S3Prefix"),
            "s3SseAlgorithm": described.get("S3SseAlgorithm", "AES256"),
            "s3SseKmsKeyId": described.get("S3SseKmsKeyId"),
            "manifestFilesS3Key": f"{base}/{number}/manifest-files.json",
            "billedSizeBytes": 0,
            "itemCount": len(lines),
            "outputFormat": "DYNAMODB_JSON",
            "exportType": described["ExportType"],
            **({"outputView": "NEW_AND_OLD_IMAGES"} if since else {}),
        }
        put(f"{base}/{number}/_started", b"")
        files = "".join(json.dumps(entry) + "\n" for entry in listed).encode()
        for manifest, content in (("manifest-files", files), ("manifest-summary", json.dumps(summary).encode())):
            checksum = put(f"{base}/{number}/{manifest}.json", content)["md5Checksum"]
            put(f"{base}/{number}/{manifest}.md5", checksum.encode())
        return len(lines)

    def _put(self, described: Item) -> Callable[[str, bytes], Item]:
        """Encrypted as it was requested."""
        encryption = {"ServerSideEncryption": "AES256"}
        if described.get("S3SseAlgorithm") == "KMS":
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": described["S3SseKmsKeyId"]}
        bucket = described["S3Bucket"]

        def put(key: str, content: bytes) -> Item:
            checksum = base64.b64encode(hashlib.md5(content).digest()).decode()
            put_object = self.aws.client("s3").put_object
            etag = put_object(Bucket=bucket, Key=key, Body=content, **encryption)["ETag"].strip('"')
            return {"md5Checksum": checksum, "etag": etag, "dataFileS3Key": key}

        return put


@contextmanager
def emulated_exports(aws: EmulatedAws) -> Iterator[ExportEmulator]:
    emulator = ExportEmulator(aws)
    names = ("ExportTableToPointInTime", "DescribeExport", "DescribeContinuousBackups")
    aws.others |= {f"{_TARGET}{name}": emulator.answer for name in names}
    try:
        yield emulator
    finally:
        for name in names:
            aws.others.pop(f"{_TARGET}{name}")


def _plain(item: Any) -> Item:
    """An item of moto's in DynamoDB's JSON."""
    from moto.dynamodb.models.utilities import dynamo_json_dump

    found: Item = json.loads(dynamo_json_dump(item.to_json()["Attributes"]))
    return found


def _moment(value: float | str) -> datetime:
    return datetime.fromtimestamp(float(value), UTC)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
