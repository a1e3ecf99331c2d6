"""Exports, made visible in one step each.

An export is a folder of files that never change, named by their content, and a `manifest.json` that says which of them
are the export. A reader who goes by the manifest sees the old export or the new one, never half of one. The files of
the one before stay until the next export, for whoever is still reading them.

Which deliveries a day's files rest on stands in a file of its own: these are hundreds a day, and a manifest that named
them all would be read, and written, with all of history for every new day.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from itertools import groupby

from pydantic import TypeAdapter

from vending_platform.ahead import one_ahead
from vending_platform.catalog import Catalog, Export
from vending_platform.exporting.contents import BUILDS, Build, Content, RawFile, builds_of, contents
from vending_platform.exporting.encoding import NotEncodable, count_rows, encode
from vending_platform.exporting.findings import ExportFindings, WrittenFile, note_export
from vending_platform.exporting.looking import Damage, damages_of, looked_at
from vending_platform.exporting.manifest import (
    MANIFEST,
    Manifest,
    Part,
    RawFiles,
    manifest_path,
    path_of,
    paths_of,
    read_manifest,
)
from vending_platform.exporting.shaping import Piece, described, shaped
from vending_platform.garbage import own_garbage_only
from vending_platform.quality import UNRECORDED, UNRECORDED_SCHEMA
from vending_platform.storage import Place
from vending_platform.warehouse import Reader, Warehouse, Writer

_FILES_AT_ONCE = 4
_NOT_WHOLE = (
    "it is declared otherwise than before, and is written again as a whole once all of its days may leave; until then"
    " the files of before stay"
)


_RAW_FILES = TypeAdapter(list[RawFile])


class ExportError(RuntimeError):
    """An export could not be made; the old one is untouched."""


@dataclass(frozen=True)
class Exported:
    """What became of one export."""

    name: str
    written: list[Part]
    removed: list[str]
    held_back: list[str]
    """Days that were not published, because a blocking check of their model failed."""
    problem: str | None = None
    is_rewritten: bool = False
    """Whether all of it was written again, because it is declared otherwise than before."""
    visible: list[Part] = field(default_factory=list, repr=False, compare=False)
    """All that readers see now, in the order of the days."""

    @cached_property
    def days(self) -> dict[str | None, list[Part]]:
        """What they see of each day."""
        return _by_day(self.visible)


def export_all(
    catalog: Catalog,
    warehouse: Warehouse,
    processed: Place,
    *,
    run_id: str,
    names: Iterable[str] | None = None,
    stale: Callable[[Reader], Mapping[date, frozenset[str]]] = lambda _: {},
    on_wait: Callable[[str], None] = lambda _: None,
) -> list[Exported]:
    """Bring every export (or those with these names) up to date with its model: the days built since, and no others.

    What is `stale` (per business day, the models) waits for the next build: its rows are not those of the deliveries
    that are there now.
    """
    chosen = [export for export in catalog.exports if names is None or export.name in set(names)]
    with warehouse.writing("vending export", on_wait) as writer, own_garbage_only():
        if not writer.has_table(BUILDS):
            return []
        writer.ensure_tables({UNRECORDED: UNRECORDED_SCHEMA})
        waiting = stale(writer)
        return [_export(export, catalog, writer, processed, run_id, waiting) for export in chosen]


def current_parts(catalog: Catalog, processed: Place) -> Iterator[tuple[str, Part]]:
    """The files that are visible now, with the name of their export."""
    for export in catalog.exports:
        if (manifest := read_manifest(processed, export.name)) is not None:
            for part in manifest.parts:
                yield export.name, part


def damages(catalog: Catalog, processed: Place, *, hashing: bool = False) -> Iterator[Damage]:
    """The visible files that are not as they were written, by size and time; with `hashing` by their content."""
    for export in catalog.exports:
        if (manifest := read_manifest(processed, export.name)) is not None:
            look = looked_at(processed, export.name)
            for part in manifest.parts:
                yield from damages_of(look, export.name, part, hashing=hashing)


def _export(
    export: Export,
    catalog: Catalog,
    writer: Writer,
    processed: Place,
    run_id: str,
    waiting: Mapping[date, frozenset[str]],
) -> Exported:
    old = read_manifest(processed, export.name)
    is_rewritten = old is not None and not old.is_of(export)
    kept = _by_day(old.parts) if old is not None and not is_rewritten else {}
    look = looked_at(processed, export.name)
    files = set(look.files)
    # What is not as it was written is nobody's to read, whether or not it can be written again now.
    damage = {one.path for parts in kept.values() for part in parts for one in damages_of(look, export.name, part)}
    whole = files & {path for parts in kept.values() for path in paths_of(parts)} - damage
    kept = {day: parts for day, parts in kept.items() if paths_of(parts).isdisjoint(damage)}
    new = [
        build
        for build in builds_of(writer, export)
        if (build.key not in kept and build.row_count != 0)
        or any(part.built_at != build.built_at for part in kept.get(build.key, ()))
    ]
    held_back = [build.key or export.name for build in new if not _may_leave(export, build)]
    due = [build for build in new if _may_leave(export, build) and not _is_waiting(export, build, waiting)]
    left_out = {build.key for build in new} - {build.key for build in due}
    if old is not None and is_rewritten and _may_stay(old, export) and _would_lose(old, left_out):
        return Exported(export.name, [], [], held_back, _NOT_WHOLE, visible=old.parts)
    written: list[Part] = []
    problems: list[str] = []
    columns = old.columns if old is not None else []
    # Encoding keeps a core busy, and writing waits for a disk or a network: some files at a time.
    with (
        ThreadPoolExecutor(_FILES_AT_ONCE) as pool,
        closing(one_ahead(contents(writer, catalog, export, due))) as batches,
    ):
        for batch in batches:
            columns = described(export, batch[0].rows)
            for content, parts in zip(batch, pool.map(partial(_write, export, processed), batch), strict=True):
                if isinstance(parts, NotEncodable):
                    problems.append(f"{content.build.key or 'all'}: {parts}")
                    continue
                written += [part for part in parts if part.path not in whole]
                kept.pop(content.build.key, None)
                if parts:
                    kept[content.build.key] = parts
    problem = "; ".join(problems[:3]) or None
    if old is not None and is_rewritten and problems and _may_stay(old, export):
        if found := note_export(ExportFindings(export.name, [], held_back, problem)):
            writer.publish(found, lambda _: None)
        _sweep(export, old, processed, files | paths_of(written))
        return Exported(export.name, [], [], held_back, problem, visible=old.parts)
    if found := note_export(ExportFindings(export.name, list(map(_as_written, written)), held_back, problem)):
        writer.publish(found, lambda _: None)  # before it is visible: from then on nobody would write it again
    visible = [part for day in sorted(kept, key=str) for part in kept[day]]
    before = old.parts if old is not None else []
    removed = sorted({part.path for part in before} - paths_of(visible))
    superseded = sorted(paths_of(before) - paths_of(visible)) or (old.superseded if old is not None else [])
    if old is not None and not _may_stay(old, export):
        superseded = []  # they may show what is masked or suppressed by now
    manifest = old
    is_younger = any(look.is_younger(path) for path in paths_of(visible))
    if visible != before or is_rewritten or damage or is_younger:
        manifest = Manifest(
            export.name,
            export.model,
            export.description,
            export.owner,
            export.format,
            export.encoding,
            columns,
            visible,
            run_id,
            superseded=superseded,
            contract=export.contract,
            partition_by=export.partition_by,
        )
        processed.write(manifest_path(export.name), MANIFEST.dump_json(manifest, indent=1))
    _sweep(export, manifest, processed, files | paths_of(written))
    return Exported(export.name, written, removed, held_back, problem, is_rewritten, visible)


def _as_written(part: Part) -> WrittenFile:
    return WrittenFile(part.day, part.rows, part.sha256)


def _by_day(parts: Iterable[Part]) -> dict[str | None, list[Part]]:
    return {day: list(of_day) for day, of_day in groupby(parts, key=lambda part: part.day)}


def _may_leave(export: Export, build: Build) -> bool:
    return build.checks_passed or (export.publish_if_checks_failed and build.is_finished)


def _is_waiting(export: Export, build: Build, stale: Mapping[date, frozenset[str]]) -> bool:
    if not build.checks_passed:
        return False  # it is stale for that alone, and leaves all the same
    if build.day is None:
        return any(export.model in models for models in stale.values())
    return export.model in stale.get(build.day, ())


def _write(export: Export, place: Place, content: Content) -> list[Part] | NotEncodable:
    """The files; none where there are no rows, or why they can't be written: then not one of them is."""
    try:
        pieces = [(piece, encode(piece.rows, export)) for piece in shaped(export, content.rows)]
    except NotEncodable as problem:
        return problem
    if not pieces:
        return []
    raw_files = _write_raw_files(export, place, content)
    return [_write_piece(export, place, content, piece, encoded, raw_files) for piece, encoded in pieces]


def _write_raw_files(export: Export, place: Place, content: Content) -> RawFiles:
    encoded = _RAW_FILES.dump_json(content.raw_files, indent=1)
    sha256 = hashlib.sha256(encoded).hexdigest()
    path = f"{export.name}/raw-files/{content.build.key or 'all'}_{sha256[:8]}.json"
    place.write(path, encoded)
    return RawFiles(path, len(content.raw_files), sha256)


def _write_piece(
    export: Export, place: Place, content: Content, piece: Piece, encoded: bytes, raw_files: RawFiles
) -> Part:
    build = content.build
    sha256 = hashlib.sha256(encoded).hexdigest()
    path = path_of(export, build.key, piece.split, sha256)
    place.write(path, encoded)
    back = b"".join(place.read_path(path))
    if hashlib.sha256(back).hexdigest() != sha256 or count_rows(back, export) != piece.rows.num_rows:
        raise ExportError(f"{path} does not hold what was written to it; the old export stays")
    return Part(
        day=build.key,
        path=path,
        rows=piece.rows.num_rows,
        bytes=len(encoded),
        sha256=sha256,
        raw_version=build.raw_version,
        raw_files=raw_files,
        built_at=build.built_at,
        split=piece.split,
        suppressed_rows=piece.suppressed,
        checks_passed=build.checks_passed,
        raw_days=content.raw_days,
    )


def _would_lose(old: Manifest, days: Set[str | None]) -> bool:
    """Whether readers see any of these days now; one file for all of them has every day."""
    seen = {part.day for part in old.parts}
    return bool(days) and bool(seen) and (None in seen | days or not seen.isdisjoint(days))


def _may_stay(old: Manifest, export: Export) -> bool:
    """Whether the files of before may be read on although the export is declared otherwise: not where they may show
    what is masked or suppressed by now."""
    return old.contract == export.contract


def _sweep(export: Export, manifest: Manifest | None, place: Place, files: set[str]) -> None:
    """Of these files those of exports before the last one, and what a crash left behind."""
    needed = {manifest_path(export.name)}
    if manifest is not None:
        needed |= paths_of(manifest.parts) | set(manifest.superseded)
    for path in files - needed:
        place.delete(path)
