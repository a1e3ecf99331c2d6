"""An export is read only if it is whole: its manifests and the files that they list are held against their checksums.

Its files come to this computer while that is done, so what was verified is what is read.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vending_platform.extraction.dynamodb.requests import PendingExport
from vending_platform.extraction.dynamodb.settings import ItemTable
from vending_platform.extraction.interface import ExtractionError
from vending_platform.storage import Place, StoredFile

_CHECKSUMS = (".md5", ".checksum")
"""AWS writes the one, and documents the other."""


@dataclass(frozen=True)
class DataFile:
    """One file of an export on this computer."""

    path: Path
    name: str
    items: int


def fetch(table: ItemTable, pending: PendingExport, described: Mapping[str, Any], folder: Path) -> list[DataFile]:
    """The data of an export. ExtractionError names the file that is missing, unexpected, or not as it was written."""
    export = f"{pending.prefix}/AWSDynamoDB/{str(pending.arn).rsplit('/', 1)[1]}"
    place = table.exports
    summary = json.loads(_manifest(place, f"{export}/manifest-summary"))
    _check_summary(summary, table, pending, described)
    lines = _manifest(place, f"{export}/manifest-files").splitlines()
    listed = [json.loads(line) for line in lines if line.strip()]
    if (total := sum(entry["itemCount"] for entry in listed)) != summary["itemCount"]:
        raise ExtractionError(
            f"{place}/{export}/manifest-files.json lists {total} items, and manifest-summary.json"
            f" {summary['itemCount']}"
        )
    paths = {_path_of(entry["dataFileS3Key"], table): entry for entry in listed}
    if pending.wanted.is_full:  # the folder of increments belongs to all exports of its prefix
        there = {file.path for file in place.files(f"{export}/data")}
        if extra := sorted(there - paths.keys()):
            raise ExtractionError(f"{place}/{extra[0]} is not in the manifest of its export")
    stored = {file.path: file for file in place.named(paths)}
    return [
        _fetched(place, path, stored.get(path), entry, folder / f"{number}.json.gz")
        for number, (path, entry) in enumerate(paths.items())
    ]


def _fetched(place: Place, path: str, file: StoredFile | None, entry: Mapping[str, Any], to: Path) -> DataFile:
    if file is None:
        raise ExtractionError(f"{place}/{path} is missing: the manifest of its export lists it")
    digest = hashlib.md5(usedforsecurity=False)
    with to.open("wb") as copy:
        for chunk in place.chunks(file):
            digest.update(chunk)
            copy.write(chunk)
    if base64.b64encode(digest.digest()).decode() != entry["md5Checksum"]:
        raise ExtractionError(f"{place}/{path} is not as it was exported: its checksum differs from its manifest's")
    return DataFile(to, path, entry["itemCount"])


def _manifest(place: Place, name: str) -> bytes:
    content = _read(place, [f"{name}.json"])
    if (
        base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
        != _read(place, [name + ending for ending in _CHECKSUMS]).strip()
    ):
        raise ExtractionError(f"{place}/{name}.json is not as it was written: its checksum differs")
    return content


def _read(place: Place, paths: Iterable[str]) -> bytes:
    """The first of these that is there."""
    paths = list(paths)
    for path in paths:
        try:
            return b"".join(place.read_path(path))
        except KeyError:
            continue
    raise ExtractionError(f"{place}/{paths[0]} is missing, so the export is not whole")


def _check_summary(
    summary: Mapping[str, Any], table: ItemTable, pending: PendingExport, described: Mapping[str, Any]
) -> None:
    """That it is the export which was asked for."""
    wanted = pending.wanted
    expected: dict[str, object] = {
        "exportArn": pending.arn,
        "tableArn": table.description["TableArn"],
        "itemCount": described.get("ItemCount", summary["itemCount"]),
        "outputFormat": "DYNAMODB_JSON",
    }
    times: dict[str, datetime | None] = {"exportTime": wanted.until}
    if not wanted.is_full:
        times = {"exportFromTime": wanted.since, "exportToTime": wanted.until}
    for key, value in expected.items():
        if summary.get(key) != value:
            raise ExtractionError(
                f"the export {pending.arn} is another one than was asked for: its {key} is {summary.get(key)!r},"
                f" not {value!r}"
            )
    for key, moment in times.items():
        if datetime.fromisoformat(str(summary.get(key)).replace("Z", "+00:00")) != moment:
            raise ExtractionError(
                f"the export {pending.arn} is another one than was asked for: its {key} is {summary.get(key)!r}"
            )


def _path_of(key: str, table: ItemTable) -> str:
    """Where a file is in the exports' place; the manifest has its key in the bucket."""
    folder = str(table.settings.exports).removeprefix("s3://").partition("/")[2].strip("/")
    if folder and not key.startswith(f"{folder}/"):
        raise ExtractionError(f"the manifest of an export lists {key}, which is not below {table.settings.exports}")
    return key.removeprefix(folder).lstrip("/")
