"""What a message of the store means: which files were written, or why it names none. Pure.

S3 sends JSON with records, each about one event; the key in it is URL-encoded, and the same event may come twice.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from vending_platform.catalog import EXPORTS_FOLDER
from vending_platform.environment import Places

_TEST = "s3:TestEvent"
_NO_PATH = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)(?:\.{0,2})(?:/|$)")
"""Control characters, and segments that are empty, `.` or `..`: S3 takes them, but they are no path of a file."""


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file in the raw place was written. Two notices are equal if they are about the same writing."""

    path: str
    etag: str
    writing: str
    """Distinguishes one writing of this path from another, whatever its content."""
    size: int = field(compare=False)
    sent_at: datetime = field(compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.path, self.etag, self.writing


@dataclass(frozen=True)
class Reading:
    """What a message holds: files that were written; why other records name none; what can't be understood at all."""

    notices: tuple[ArrivedFile, ...] = ()
    passed_over: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class WatchedBucket:
    """Where the raw place is: only events of this folder of this bucket matter."""

    name: str
    folder: str
    """Ends with a slash, or is empty."""


def raw_bucket(places: Places) -> WatchedBucket:
    """Where notifications must come from; ValueError if the raw place is no bucket."""
    scheme, separator, rest = places.raw.partition("://")
    if scheme != "s3" or not separator:
        raise ValueError(f"{places.raw}: only a bucket can send notifications")
    name, _, folder = rest.partition("/")
    return WatchedBucket(name, folder and folder.rstrip("/") + "/")


def read_message(body: str, bucket: WatchedBucket, sent_at: datetime) -> Reading:
    """Whatever the message is, this is an answer and no exception."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Reading(problem=f"it is not JSON: {error}")
    if isinstance(content, dict) and content.get("Event") == _TEST:
        return Reading(passed_over=("a test of the store",))
    records = content.get("Records") if isinstance(content, dict) else None
    if not isinstance(records, list):
        return Reading(problem="it has no list of Records, as messages of S3 have")
    notices, passed_over, problems = [], [], []
    for record in records:
        try:
            found = _read_record(record, bucket, sent_at)
        except _NotUnderstood as error:
            problems.append(str(error))
            continue
        if isinstance(found, ArrivedFile):
            notices.append(found)
        else:
            passed_over.append(found)
    return Reading(tuple(notices), tuple(passed_over), "; ".join(problems) or None)


class _NotUnderstood(ValueError):
    """A record that may be about a file, but does not name it in a way that can be understood."""


def _read_record(record: Any, bucket: WatchedBucket, sent_at: datetime) -> ArrivedFile | str:
    """The notice, or why this record is about no file that was written."""
    event = _text(record, "eventName").removeprefix("s3:")
    name = _text(record, "s3", "bucket", "name")
    if name != bucket.name:
        return f"about another bucket, {name}"
    try:
        key = unquote_plus(_text(record, "s3", "object", "key"), errors="strict")
        key.encode()
    except UnicodeError as error:
        raise _NotUnderstood(f"its key is not UTF-8: {error}") from None
    if not key.startswith(bucket.folder):
        return f"about another folder than {bucket.folder}"
    if not event.startswith("ObjectCreated:"):
        return f"no file was written: {event}"
    if key.endswith("/"):
        return "about a folder"
    path = key.removeprefix(bucket.folder)
    if path.startswith(f"{EXPORTS_FOLDER}/"):
        return "of an export, which an extraction reads"
    if _NO_PATH.search(path):
        raise _NotUnderstood(f"its key can't be read as the path of a file: {key!r}")
    stored = record["s3"]["object"]
    size = stored.get("size")
    return ArrivedFile(
        path=path,
        etag=str(stored.get("eTag", "")),
        writing=str(stored.get("sequencer") or record.get("eventTime", "")),
        size=size if isinstance(size, int) else 0,
        sent_at=sent_at,
    )


def _text(record: Any, *names: str) -> str:
    value = record
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise _NotUnderstood(f"a record has no {'.'.join(names)}")
    return value
