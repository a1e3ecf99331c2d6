"""Exports, made visible in one step each.

An export is a folder of files that never change, named by their content, and a `manifest.json` that says which of them
are the export. A reader who goes by the manifest sees the old export or the new one, never half of one. The files of
the one before stay until the next export, for whoever is still reading them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Catalog, Delivery, Export
from vending_platform.exporting.encoding import NotEncodable, count_rows, encode
from vending_platform.storage import Place
from vending_platform.warehouse import Reader, TableName, Warehouse

_BUILDS = TableName("raw", "_builds")
_LEDGER = TableName("raw", "_files")


class ExportError(RuntimeError):
    """An export could not be made; the old one is untouched."""


@dataclass(frozen=True)
class Part:
    """One file of an export. `raw_version` says what the model's build of that day rested on."""

    day: str | None
    path: str
    rows: int
    bytes: int
    sha256: str
    raw_version: str
    raw_files: list[dict[str, str]]


@dataclass(frozen=True)
class Manifest:
    """All that a reader needs to know of an export, and to prove it."""

    name: str
    model: str
    description: str
    owner: str
    format: str
    encoding: str | None
    columns: list[dict[str, str]]
    parts: list[Part]
    run_id: str
    superseded: list[str] = field(default_factory=list)
    """Files of the export before this one, still there for whoever reads them."""

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True)
class Exported:
    """What became of one export."""

    name: str
    written: list[Part]
    removed: list[str]
    held_back: list[str]
    """Days that were not published, because a blocking check of their model failed."""
    problem: str | None = None


def export_all(
    catalog: Catalog,
    warehouse: Warehouse,
    processed: Place,
    *,
    run_id: str,
    names: Iterable[str] | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> list[Exported]:
    """Bring every export (or those with these names) up to date with its model: the days built since, and no others."""
    chosen = [export for export in catalog.exports if names is None or export.name in set(names)]
    with warehouse.writing("vending export", on_wait) as reader:
        if not reader.has_table(_BUILDS):
            return []
        return [_export(export, catalog, reader, processed, run_id) for export in chosen]


def current_parts(catalog: Catalog, processed: Place) -> Iterator[tuple[str, Part]]:
    """The files that are visible now, with the name of their export."""
    for export in catalog.exports:
        if (manifest := _read_manifest(processed, export.name)) is not None:
            for part in manifest.parts:
                yield export.name, part


def _export(export: Export, catalog: Catalog, reader: Reader, processed: Place, run_id: str) -> Exported:
    old = _read_manifest(processed, export.name)
    kept = {part.day: part for part in old.parts} if old is not None else {}
    builds = reader.query(
        f"select business_date, raw_version, checks_passed from {_BUILDS} where model = '{export.model}' order by 1"
    ).to_pylist()
    if export.partition_by is None and builds:
        versions = "".join(f"{build['business_date']}{build['raw_version']}" for build in builds)
        whole = hashlib.sha256(versions.encode()).hexdigest()[:16]
        passed = all(build["checks_passed"] for build in builds)
        builds = [{"business_date": None, "raw_version": whole, "checks_passed": passed}]
    written: list[Part] = []
    removed: list[str] = []
    held_back: list[str] = []
    columns = old.columns if old is not None else []
    for build in builds:
        day = build["business_date"]
        key = day.isoformat() if day is not None else None
        if key in kept and kept[key].raw_version == build["raw_version"]:
            continue
        if not build["checks_passed"]:
            held_back.append(key or export.name)
            continue
        table = _rows(reader, export, day)
        columns = [{"name": column.name, "type": str(column.type)} for column in table.schema]
        if table.num_rows == 0:
            if key in kept:
                removed.append(kept.pop(key).path)
            continue
        try:
            part = _write(export, table, key, build["raw_version"], _raw_files(reader, catalog, export, day), processed)
        except NotEncodable as problem:
            return Exported(export.name, [], [], held_back, str(problem))
        if key in kept and kept[key].path != part.path:
            removed.append(kept[key].path)
        kept[key] = part
        written.append(part)
    if written or removed:
        parts = [kept[day] for day in sorted(kept, key=str)]
        manifest = Manifest(
            export.name,
            export.model,
            export.description,
            export.owner,
            export.format,
            export.encoding,
            columns,
            parts,
            run_id,
            superseded=removed,
        )
        processed.write(
            _manifest_path(export.name), json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
        )
    _sweep(export, processed)
    return Exported(export.name, written, removed, held_back)


def _rows(reader: Reader, export: Export, day: date | None) -> pa.Table:
    where = f" where {export.partition_by} = date '{day}'" if day is not None else ""
    table = TableName(export.schema_name, export.model)
    columns = len(reader.query(f"select * from {table} limit 0").column_names)
    order = ", ".join(str(position) for position in range(1, columns + 1))  # so that equal rows are equal bytes
    return reader.query(f"select * from {table}{where} order by {order}")


def _write(
    export: Export,
    table: pa.Table,
    day: str | None,
    raw_version: str,
    raw_files: Sequence[dict[str, str]],
    place: Place,
) -> Part:
    content = encode(table, export)
    sha256 = hashlib.sha256(content).hexdigest()
    stem = f"{export.file_stem}_{day}" if day else export.file_stem
    path = f"{export.name}/{stem}_{sha256[:8]}.{export.format}"
    place.write(path, content)
    back = b"".join(place.read_path(path))
    if hashlib.sha256(back).hexdigest() != sha256 or count_rows(back, export) != table.num_rows:
        raise ExportError(f"{path} does not hold what was written to it; the old export stays")
    return Part(day, path, table.num_rows, len(content), sha256, raw_version, list(raw_files))


def _raw_files(reader: Reader, catalog: Catalog, export: Export, day: date | None) -> list[dict[str, str]]:
    """The deliveries that the rows rest on: the day's own files, and every kept version of the masters."""
    model = next(model for model in catalog.models if model.name == export.model)
    sources = [source for source in catalog if source.name in model.sources]
    undated = [source.name for source in sources if source.files.delivery is not Delivery.DAILY]
    reaches = f"business_date = date '{day}' or source in ({_listed(undated)})" if day is not None else "true"
    rows: list[dict[str, str]] = reader.query(
        f"select path, file_id, sha256 from {_LEDGER}"
        f" where in_raw and source in ({_listed(source.name for source in sources)}) and ({reaches}) order by 1, 2"
    ).to_pylist()
    return rows


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "''"


def _sweep(export: Export, place: Place) -> None:
    """Files of exports before the last one, and what a crash left behind."""
    manifest = _read_manifest(place, export.name)
    needed = {_manifest_path(export.name)}
    if manifest is not None:
        needed |= {part.path for part in manifest.parts} | set(manifest.superseded)
    for file in list(place.files(export.name)):
        if file.path not in needed:
            place.delete(file.path)


def _manifest_path(name: str) -> str:
    return f"{name}/manifest.json"


def _read_manifest(place: Place, name: str) -> Manifest | None:
    try:
        said: dict[str, Any] = json.loads(b"".join(place.read_path(_manifest_path(name))))
    except KeyError:
        return None
    return Manifest(**said | {"parts": [Part(**part) for part in said["parts"]]})
