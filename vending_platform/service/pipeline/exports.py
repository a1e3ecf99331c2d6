"""The newest whole version of each export, and its files.

Only what a manifest lists is given out, so no one gets a half file or one that was never published. A file of the
version before is given out for as long as it is kept, to readers that are still fetching that version.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from threading import Lock
from urllib.parse import quote

from vending_platform.exporting import Manifest, Part, manifest_path, read_manifest
from vending_platform.opening import Platform
from vending_platform.service.pipeline.models import ExportColumnInfo, ExportedFile, ExportVersion
from vending_platform.service.web import not_found, unavailable
from vending_platform.service.web.downloads import Download
from vending_platform.storage import Place, StoredFile

FILES = "/api/exports/{name}/files/{file}"
_MEDIA_TYPES = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "json": "application/json"}
_LINK_SECONDS = 900


@dataclass(frozen=True)
class _Published:
    manifest: Manifest
    stored: StoredFile


class PublishedExports:
    """Reads a manifest again when its place lists another one. Everything here may take a while: for a thread."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: dict[str, _Published] = {}
        self._hashes: dict[str, str] = {}
        self._lock = Lock()

    @property
    def names(self) -> list[str]:
        return [export.name for export in self._platform.catalog.exports]

    def versions(self) -> list[ExportVersion]:
        return [version_of(one.manifest, one.stored) for one in self._published(self.names).values()]

    def version(self, name: str) -> ExportVersion:
        published = self._one(name)
        return version_of(published.manifest, published.stored)

    def file(self, name: str, file: str) -> Download:
        path, published = f"{name}/{file}", self._one(name)
        part = next((part for part in published.manifest.parts if part.path == path), None)
        if part is None and path not in published.manifest.superseded:
            raise not_found(f"{name} has no file {file!r}: /api/exports/{name} lists those of its newest version")
        stored = next(iter(self._place.named([path])), None)
        if stored is None or (part is not None and stored.size != part.bytes):
            raise unavailable(f"{file} is not as it was published: the next run writes it again", seconds=60)
        return Download(
            file,
            stored.size,
            part.sha256 if part is not None else self._hash(path),
            _MEDIA_TYPES.get(file.rpartition(".")[2], "application/octet-stream"),
            stored.modified_at,
            partial(self._place.read_span, path),
        )

    def link(self, name: str, file: str) -> str | None:
        """An address in S3 for a file that `file` gives out."""
        return self._place.link(f"{name}/{file}", _LINK_SECONDS)

    @property
    def _place(self) -> Place:
        return self._platform.context.storage.processed

    def _one(self, name: str) -> _Published:
        if name not in self.names:
            raise not_found(f"there is no export {name!r}; there are: {', '.join(self.names)}")
        if (published := self._published([name]).get(name)) is None:
            raise not_found(f"{name} was never published: a run of the pipeline does it")
        return published

    def _published(self, names: list[str]) -> dict[str, _Published]:
        stored = {file.path: file for file in self._place.named([manifest_path(name) for name in names])}
        found: dict[str, _Published] = {}
        for name in names:
            if (file := stored.get(manifest_path(name))) is None:
                continue
            known = self._known.get(name)
            if known is None or known.stored != file:
                if (manifest := read_manifest(self._place, name)) is None:
                    continue
                known = _Published(manifest, file)
                with self._lock:
                    self._known[name] = known
            found[name] = known
        return found

    def _hash(self, path: str) -> str:
        """Files never change, so once is enough."""
        if path not in self._hashes:
            digest = hashlib.sha256()
            for chunk in self._place.read_path(path):
                digest.update(chunk)
            self._hashes[path] = digest.hexdigest()
        return self._hashes[path]


def version_of(manifest: Manifest, stored: StoredFile) -> ExportVersion:
    digest = hashlib.sha256("".join(f"{part.path} {part.sha256}\n" for part in manifest.parts).encode())
    return ExportVersion(
        name=manifest.name,
        model=manifest.model,
        description=manifest.description,
        owner=manifest.owner,
        audience=str(manifest.contract.get("audience", "internal")),
        format=manifest.format,
        encoding=manifest.encoding,
        columns=[ExportColumnInfo.model_validate(column) for column in manifest.columns],
        run_id=manifest.run_id,
        published_at=stored.modified_at,
        version=digest.hexdigest()[:16],
        rows=manifest.rows,
        bytes=sum(part.bytes for part in manifest.parts),
        files=list(_files(manifest.name, manifest.parts)),
    )


def _files(export: str, parts: list[Part]) -> Iterator[ExportedFile]:
    for part in parts:
        name = part.path.removeprefix(f"{export}/")
        yield ExportedFile(
            name=name,
            day=part.day,
            split=part.split,
            rows=part.rows,
            bytes=part.bytes,
            sha256=part.sha256,
            suppressed_rows=part.suppressed_rows,
            checks_passed=part.checks_passed,
            url=FILES.format(name=export, file=quote(name)),
        )
