"""What a page in a browser reads: the exports of format `dashboard`, all of one moment, as one small list of files.

Each export becomes visible by its own manifest, one after the other. A page shows them side by side, so it goes by
`dashboard.json`, which is written once all of them are up to date; the files that it names stay until the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from vending_platform.catalog import Audience, Catalog, Format
from vending_platform.exporting.manifest import Manifest, read_manifest
from vending_platform.storage import Place

PAGE_MANIFEST = "dashboard.json"


@dataclass(frozen=True)
class PageFile:
    """Rows of a table. `month` is None where the file has all of them."""

    path: str
    month: str | None
    rows: int
    bytes: int
    sha256: str
    checks_passed: bool = True


@dataclass(frozen=True)
class PageTable:
    """A model, as the page has it."""

    schema_name: str
    description: str
    audience: str
    columns: list[dict[str, str]]
    files: list[PageFile]


@dataclass(frozen=True)
class PageExport:
    """Which version of an export is current."""

    name: str
    description: str
    format: str
    run_id: str
    files: int
    rows: int
    bytes: int
    first_day: str | None
    last_day: str | None
    built_at: str


@dataclass(frozen=True)
class PageManifest:
    written_at: str
    tables: dict[str, PageTable]
    """By the name of the model."""
    exports: list[PageExport] = field(default_factory=list)
    api: str | None = None
    """Where a server's API is, as seen from the page; None where there is none."""
    has_sql_engine: bool = False
    """Whether the page can be asked in SQL."""

    @property
    def paths(self) -> set[str]:
        return {file.path for table in self.tables.values() for file in table.files}

    def as_json(self) -> bytes:
        return _PAGE.dump_json(self)

    def for_the_public(self) -> "PageManifest":
        """Only what anyone may see."""
        public = {name: table for name, table in self.tables.items() if table.audience == Audience.PUBLIC}
        return PageManifest(self.written_at, public)


_PAGE = TypeAdapter(PageManifest)


def read_page_manifest(processed: Place) -> PageManifest | None:
    """None where no run has written one yet, or an earlier version of the platform did."""
    try:
        return _PAGE.validate_json(b"".join(processed.read_path(PAGE_MANIFEST)))
    except (KeyError, ValidationError):
        return None


def write_page_manifest(catalog: Catalog, processed: Place, before: PageManifest | None, *, now: datetime) -> None:
    """Show pages what the exports are now; nothing is written where that is what they see already."""
    if all(export.format is not Format.DASHBOARD for export in catalog.exports):
        return
    found = {export.name: read_manifest(processed, export.name) for export in catalog.exports}
    tables = {
        export.model: _table(export.schema_name, export.audience, manifest)
        for export in catalog.exports
        if export.format is Format.DASHBOARD and (manifest := found[export.name]) is not None
    }
    exports = [_version(manifest) for manifest in found.values() if manifest is not None and manifest.parts]
    if before is None or (before.tables, before.exports) != (tables, exports):
        written_at = now.astimezone(UTC).isoformat("T", "seconds")
        processed.write(PAGE_MANIFEST, PageManifest(written_at, tables, exports).as_json())


def _table(schema_name: str, audience: Audience, manifest: Manifest) -> PageTable:
    files = [
        PageFile(part.path, part.day, part.rows, part.bytes, part.sha256, part.checks_passed) for part in manifest.parts
    ]
    return PageTable(schema_name, manifest.description, audience.value, manifest.columns, files)


def _version(manifest: Manifest) -> PageExport:
    days = sorted(part.day for part in manifest.parts if part.day is not None)
    return PageExport(
        manifest.name,
        manifest.description,
        manifest.format,
        manifest.run_id,
        len(manifest.parts),
        manifest.rows,
        sum(part.bytes for part in manifest.parts),
        _first(days),
        _first(reversed(days)),
        max(part.built_at for part in manifest.parts),
    )


def _first(days: Iterable[str]) -> str | None:
    return next(iter(days), None)
