"""An export that is not whole, or not as its manifests describe it, is refused by name, and nothing of it is loaded."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from vending_platform.extraction.dynamodb import ExportPoint
from vending_platform_tests.emulators.aws import BUCKET
from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems


class Files:
    """The files of the newest export."""

    def __init__(self, app: ExtractedItems) -> None:
        self.s3: Any = app.emulator.aws.client("s3")
        prefix = f"{app.emulator.requested[-1]['S3Prefix']}/AWSDynamoDB/"
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        exports = sorted({key["Key"].removeprefix(prefix).split("/")[0] for key in listed} - {"data"})
        self.folder = f"{prefix}{exports[-1]}"
        lines = self.read(f"{self.folder}/manifest-files.json").decode().splitlines()
        self.listed = [json.loads(line) for line in lines]
        self.data = next(entry["dataFileS3Key"] for entry in self.listed if entry["itemCount"])

    def read(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=BUCKET, Key=key)

    def rewrite_manifest(self, name: str, content: bytes) -> None:
        """With a checksum that fits."""
        self.write(f"{self.folder}/{name}.json", content)
        self.write(f"{self.folder}/{name}.md5", base64.b64encode(hashlib.md5(content).digest()))

    def replace_data(self, content: bytes) -> None:
        """With a manifest that fits it."""
        self.write(self.data, content)
        checksum = base64.b64encode(hashlib.md5(content).digest()).decode()
        lines = [
            entry | {"md5Checksum": checksum} if entry["dataFileS3Key"] == self.data else entry for entry in self.listed
        ]
        self.rewrite_manifest("manifest-files", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def change_summary(self, **values: object) -> None:
        summary = json.loads(self.read(f"{self.folder}/manifest-summary.json"))
        self.rewrite_manifest("manifest-summary", json.dumps(summary | values).encode())


def _fewer_lines(files: Files) -> None:
    lines = gzip.decompress(files.read(files.data)).splitlines(keepends=True)
    files.replace_data(gzip.compress(b"".join(lines[1:])))


DAMAGES: dict[str, tuple[Callable[[Files], None], str]] = {
    "a missing file": (lambda f: f.delete(f.data), "DATA is missing: the manifest of its export lists it"),
    "an extra file": (
        lambda f: f.write(f"{f.folder}/data/extra.json.gz", b""),
        "/data/extra.json.gz is not in the manifest of its export",
    ),
    "a truncated file": (lambda f: f.write(f.data, f.read(f.data)[:-9]), "DATA is not as it was exported"),
    "a corrupted file": (
        lambda f: f.write(f.data, bytes([*f.read(f.data)[:20], 7, *f.read(f.data)[21:]])),
        "DATA is not as it was exported: its checksum differs from its manifest's",
    ),
    "fewer items than listed": (_fewer_lines, "items, and its manifest lists"),
    "a file that is none": (lambda f: f.replace_data(b"not a gzip"), "can't be read as DynamoDB JSON"),
    "a line that is no JSON": (
        lambda f: f.replace_data(gzip.compress(b'{"Item":\n')),
        "can't be read as DynamoDB JSON",
    ),
    "no manifest": (lambda f: f.delete(f"{f.folder}/manifest-files.json"), "manifest-files.json is missing"),
    "no checksum": (lambda f: f.delete(f"{f.folder}/manifest-summary.md5"), "manifest-summary.md5 is missing"),
    "a changed manifest": (
        lambda f: f.write(f"{f.folder}/manifest-files.json", f.read(f"{f.folder}/manifest-files.json") + b"\n"),
        "manifest-files.json is not as it was written: its checksum differs",
    ),
    "another number of items": (lambda f: f.change_summary(itemCount=99), "its itemCount is 99, not 12"),
    "a file that is not listed": (
        lambda f: f.rewrite_manifest(
            "manifest-files", b"".join(json.dumps(e).encode() + b"\n" for e in f.listed if e["dataFileS3Key"] != f.data)
        ),
        "items, and manifest-summary.json 12",
    ),
    "another table": (lambda f: f.change_summary(tableArn="arn:x"), "another one than was asked for: its tableArn is"),
    "another time": (
        lambda f: f.change_summary(exportTime="2024-03-01T00:00:00.000Z"),
        "another one than was asked for: its exportTime is '2024-03-01T00:00:00.000Z'",
    ),
    "a file elsewhere": (
        lambda f: f.rewrite_manifest(
            "manifest-files",
            "".join(
                json.dumps(entry | {"dataFileS3Key": f"elsewhere/{number}"}) + "\n"
                for number, entry in enumerate(f.listed)
            ).encode(),
        ),
        "lists elsewhere/0, which is not below",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_of_a_damaged_export_is_loaded(app: ExtractedItems, damage: str) -> None:
    change, expected = DAMAGES[damage]
    for number in range(12):
        app.put(f"C#{number}", "REFUND#1", kind="refund")
    app.emulator.pass_time(hours=1)
    damaged: list[Files] = []

    def harm(point: ExportPoint) -> None:
        if point is ExportPoint.NUMBERED and not damaged:
            damaged.append(Files(app))
            change(damaged[0])

    app.on_export_point = harm
    refunds, visits = app.extract()
    problem = expected.replace("DATA", damaged[0].data.removeprefix(f"raw-data/internal/dynamodb-exports/{app.name}/"))
    assert problem in str(refunds.problem)
    assert str(refunds.problem).startswith("refunds: ")
    assert visits.problem is not None
    assert list(app.raw.rglob("*")) == []
    app.emulator.pass_time(minutes=1)
    assert app.extract()[0].rows == 12  # of another export


def test_the_checksum_may_have_the_name_that_is_documented(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund")
    app.emulator.pass_time(hours=1)

    def rename(point: ExportPoint) -> None:
        if point is ExportPoint.NUMBERED:
            files = Files(app)
            for name in ("manifest-files", "manifest-summary"):
                files.write(f"{files.folder}/{name}.checksum", files.read(f"{files.folder}/{name}.md5"))
                files.delete(f"{files.folder}/{name}.md5")

    app.on_export_point = rename
    assert app.extract()[0].rows == 1


def test_a_key_that_is_not_the_tables_is_refused(app: ExtractedItems) -> None:
    source = app.source("refunds")
    files = source.files.model_copy(update={"key": ("pk",)})
    app.sources = (source.model_copy(update={"files": files}), app.source("visits"))
    refunds, visits = app.extract()
    assert "its key is pk, and that of the DynamoDB table" in str(refunds.problem)
    assert visits.problem is None
