"""The dashboard as a folder that any web server can serve: the page, and the files that it reads.

What a reader sees is decided by `data/manifest.json`, which is replaced last and in one step. Files have names by their
content; those of the version before stay until the next one, for people who have the page open.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from vending_platform.errors import PlatformError
from vending_platform.exporting import PageManifest, read_page_manifest
from vending_platform.lineage import LineageGraph
from vending_platform.quality import Quality
from vending_platform.storage import LocalPlace, Place

PAGE_FOLDER = Path(__file__).parent / "service" / "static"
"""What `dashboard/` was built into."""
_ENGINE = "engine/duckdb-eh.wasm"
"""Too large to be committed: `make dashboard` brings it."""
DATA, MANIFEST, QUALITY, LINEAGE = "data", "data/manifest.json", "data/quality.json", "data/lineage.json"
_BUILT = ("assets/", "engine/", "data/")
"""Folders of which no one else has files."""


class NoDashboard(PlatformError):
    """There is nothing to show yet, or nowhere to write it; the message says what to do."""


@dataclass(frozen=True)
class WrittenDashboard:
    folder: Path
    tables: int
    files: int
    bytes: int


def page_manifest(processed: Place, *, api: str | None = None) -> PageManifest:
    """What the page reads first. `api` is where a server's API is, as seen from the page."""
    manifest = read_page_manifest(processed)
    if manifest is None:
        raise NoDashboard(
            "There is no data for the dashboard yet: run `vending run`; if there is none then, declare exports with"
            " `format: dashboard` (docs/dashboard.md)"
        )
    return replace(manifest, api=api, has_sql_engine=(PAGE_FOLDER / _ENGINE).is_file())


def write_dashboard(
    processed: Place,
    quality: Quality | None,
    folder: Path,
    *,
    lineage: LineageGraph | None = None,
    is_public: bool = False,
) -> WrittenDashboard:
    """Write the page and its data into `folder`, which is empty or has an earlier version of both."""
    manifest = page_manifest(processed)
    if is_public:
        manifest, quality = manifest.for_the_public(), None
        lineage = None
    if not (PAGE_FOLDER / "index.html").is_file():
        raise NoDashboard("The page is not built: run `make dashboard`")
    folder.mkdir(parents=True, exist_ok=True)
    into = LocalPlace(folder)
    shown = _shown(folder)
    page = {path.relative_to(PAGE_FOLDER).as_posix(): path for path in PAGE_FOLDER.rglob("*") if path.is_file()}
    data = sorted(manifest.paths)
    for path in data:
        if not into.has(f"{DATA}/{path}"):
            into.write(f"{DATA}/{path}", processed.read_path(path))
    for name, built in sorted(page.items(), key=lambda item: item[0] == "index.html"):
        content = built.read_bytes()
        if not into.has(name) or b"".join(into.read_path(name)) != content:
            into.write(name, content)
    into.write(QUALITY, (quality.as_json() if quality is not None else "null").encode())
    into.write(LINEAGE, page_lineage(lineage))
    into.write(MANIFEST, manifest.as_json())
    kept = {*page, *(f"{DATA}/{path}" for path in data), *shown, QUALITY, LINEAGE, MANIFEST}
    for path in list(into.paths()):
        if path not in kept and path.startswith(_BUILT):
            into.delete(path)
    size = sum(file.bytes for table in manifest.tables.values() for file in table.files)
    return WrittenDashboard(folder, len(manifest.tables), len(page) + len(data) + 3, size)


def page_lineage(lineage: LineageGraph | None) -> bytes:
    """What columns are made of, as the page reads it; null where it is not to be seen."""
    return json.dumps(lineage.as_json() if lineage is not None else None, separators=(",", ":")).encode()


def _shown(folder: Path) -> set[str]:
    """The files of the version that is there now; an error where the folder is of something else."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        tables = manifest["tables"].values()
        return {f"{DATA}/{file['path']}" for table in tables for file in table["files"]}
    except FileNotFoundError:
        if any(folder.iterdir()):
            raise NoDashboard(
                f"{folder} has files that are not of a dashboard: name an empty folder, or one that an earlier"
                " `vending dashboard` wrote"
            ) from None
        return set()
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()  # an earlier version of the platform wrote it, or someone damaged it: it is written again
