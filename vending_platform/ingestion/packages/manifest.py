"""The manifest of a package: the list of its files that the sender writes, as JSON. `SCHEMA` is what it promises.

A manifest is read whole and strictly: what it does not have to say is a fault, and so is what it must not say.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vending_platform.catalog import NameParts, Package
from vending_platform.ingestion.reading.problems import shortened

SCHEMA = Path(__file__).with_name("manifest.schema.json")
"""The JSON Schema that senders check their manifests with; made by `json_schema`."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest: more is another kind of file."""
_PLAIN_NAME = r"^[^/\\\x00-\x1f]{1,255}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ManifestFile(_Part):
    """One file of the package, in the folder of the manifest."""

    name: Annotated[str, StringConstraints(pattern=_PLAIN_NAME)] = Field(description="Its name, without a folder.")
    kind: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Which kind of file it is, as the contracts call it."
    )
    size: int = Field(ge=0, description="Its size in bytes.")
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="The SHA-256 of its bytes, in lower-case hexadecimal digits."
    )
    rows: int = Field(ge=0, description="How many rows it has; a header is not one.")


class PackageManifest(_Part):
    """A package: the files of one sender and one day or month, which are loaded together or not at all."""

    version: Literal[1] = Field(description="The version of this schema.")
    package: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Which package it is, as the contracts call it."
    )
    sender: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Who sends it, as the path of the manifest has it."
    )
    period: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")] = Field(
        description="Its month as YYYY-MM, or its day as YYYY-MM-DD, as the path of the manifest has it."
    )
    revision: int = Field(ge=1, le=1_000_000, description="1 at first; a correction of the package has a higher one.")
    files: tuple[ManifestFile, ...] = Field(description="Every file of the package.")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a package: in which file, and with which value."""

    file: str
    what: str
    may_come: bool = False
    """Whether it is so only because not everything has arrived yet."""

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def json_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PackageManifest.model_json_schema(),
        "title": "The manifest of a package, version 1",
    }


def parse_manifest(package: Package, parts: NameParts, name: str, content: bytes) -> PackageManifest | list[Fault]:
    """The manifest of the file `name`, if it has its schema and is about what its path says; else every fault."""
    if len(content) > LARGEST:
        return [Fault(name, f"it has {len(content):,} bytes, and a manifest has at most {LARGEST:,}")]
    try:
        manifest = PackageManifest.model_validate_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return [Fault(name, f"it is not UTF-8 from byte {error.start + 1} on")]
    except ValidationError as error:
        return [Fault(name, _in_words(problem)) for problem in error.errors()]
    return list(_contradictions(package, parts, name, manifest)) or manifest


def _in_words(problem: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
    match problem["type"]:
        case "json_invalid":
            return f"it is not JSON: {problem['ctx']['error']}"
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            return f"{place} is not a key of a manifest"
        case _:
            given = shortened(json.dumps(problem["input"], ensure_ascii=False), 300)
            return f"{place or 'the manifest'} is {given}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _contradictions(package: Package, parts: NameParts, name: str, manifest: PackageManifest) -> Iterator[Fault]:
    assert parts.business_date is not None  # of a package, the path of the manifest has sender and day
    period = package.grain.written(parts.business_date)
    for key, given, wanted in (
        ("package", manifest.package, package.name),
        ("sender", manifest.sender, str(parts.sender)),
        ("period", manifest.period, period),
    ):
        if given != wanted:
            source = "the contracts call it" if key == "package" else "its path has"
            yield Fault(name, f"{key} is {shortened(given, 300)!r}, and {source} {wanted!r}")
    names = [file.name for file in manifest.files]
    for twice in sorted({one for one in names if names.count(one) > 1}):
        yield Fault(name, f"it lists {twice!r} twice")
    for file in manifest.files:
        source_of_kind = package.sources.get(file.kind)
        if source_of_kind is None:
            known = ", ".join(package.sources)
            yield Fault(name, f"{file.name} is of the kind {shortened(file.kind, 300)!r}, which is none of: {known}")
    for kind in sorted(package.required - {file.kind for file in manifest.files}):
        yield Fault(name, f"it lists no file of the kind {kind!r}, and every package has one")
