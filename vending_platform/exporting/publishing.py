"""Exports, made visible in one step each.

An export is a folder of files that never change, named by their content, and a `manifest.json` that says which of them
are the export. A reader who goes by the manifest sees the old export or the new one, never half of one. The files of
the one before stay until the next export, for whoever is still reading them.

Which deliveries a day's files rest on stands in a file of its own: these are hundreds a day, and a manifest that named
them all would be read, and written, with all of history for every new day.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from vending_platform.catalog import Catalog, Export, Format
from vending_platform.errors import PlatformError
from vending_platform.exporting.contents import ExportRows, builds_of, contents, grain_of
from vending_platform.exporting.dashboard import read_page_manifest, write_page_manifest
from vending_platform.exporting.encoding import NotEncodable
from vending_platform.exporting.manifest import MANIFEST, Manifest, Part, manifest_path, paths_of, read_manifest
from vending_platform.exporting.pseudonymizing import no_key, pseudonymized
from vending_platform.exporting.shaping import described
from vending_platform.exporting.tables import export_table, no_lake
from vending_platform.exporting.todo import NOT_WHOLE, Exported, by_day, note, todo_of, would_lose
from vending_platform.exporting.verification import Listing, damages_of, listing_of
from vending_platform.exporting.writing import write_day
from vending_platform.garbage import own_garbage_only
from vending_platform.lake import Lake
from vending_platform.ledger import OF_FINDINGS, has_builds, prepare_ledger
from vending_platform.prefetch import prefetched
from vending_platform.pseudonyms import Pseudonyms
from vending_platform.storage import Place
from vending_platform.warehouse import Reader, Warehouse, Writer

_FILES_AT_ONCE = 4


def export_all(
    catalog: Catalog,
    warehouse: Warehouse,
    processed: Place,
    *,
    run_id: str,
    names: Iterable[str] | None = None,
    stale: Callable[[Reader], Mapping[date, frozenset[str]]] = lambda _: {},
    on_wait: Callable[[str], None] = lambda _: None,
    pseudonyms: Callable[[], Pseudonyms] = no_key,
    lake: Callable[[], Lake] = no_lake,
) -> list[Exported]:
    """Bring every export (or those with these names) up to date with its model: the days built since, and no others.

    What is `stale` (per business day, the models) waits for the next build: its rows are not those of the deliveries
    that are there now. `pseudonyms` is called where an export needs them.
    """
    chosen = [export for export in catalog.exports if names is None or export.name in set(names)]
    with warehouse.writing("vending export", on_wait) as writer, own_garbage_only():
        if not has_builds(writer):
            return []
        prepare_ledger(writer, OF_FINDINGS)
        waiting = stale(writer)
        page = read_page_manifest(processed)
        shown = page.paths if page is not None else set()
        done = [
            export_table(export, catalog, writer, processed, run_id, waiting, lake)
            if export.format is Format.ICEBERG
            else _export(export, catalog, writer, processed, run_id, waiting, shown, pseudonyms)
            for export in chosen
        ]
        write_page_manifest(catalog, processed, page, now=datetime.now(UTC))
        return done


def current_parts(catalog: Catalog, processed: Place) -> Iterator[tuple[str, Part]]:
    """The files that are visible now, with the name of their export."""
    for export in catalog.exports:
        if export.format is not Format.ICEBERG and (manifest := read_manifest(processed, export.name)) is not None:
            for part in manifest.parts:
                yield export.name, part


@dataclass(frozen=True)
class _Before:
    """What readers see of an export before it is brought up to date."""

    manifest: Manifest | None
    listing: Listing
    damaged: frozenset[str]
    """Files that are not as they were written: nobody's to read, whether or not they can be written again now."""
    intact: Set[str]
    """Files that are."""
    kept: Mapping[str | None, list[Part]]
    """By day the parts that need not be written again while their rows are the same."""
    is_rewritten: bool
    """Whether all of it is written again, because it is declared otherwise."""
    may_stay: bool
    """Whether the files of before may be read on although it is declared otherwise."""

    @property
    def parts(self) -> list[Part]:
        return self.manifest.parts if self.manifest is not None else []


@dataclass(frozen=True)
class _Attempt:
    """What came of writing the days that are due."""

    written: list[Part]
    visible: list[Part]
    problem: str | None
    columns: list[dict[str, str]]


def _export(
    export: Export,
    catalog: Catalog,
    writer: Writer,
    processed: Place,
    run_id: str,
    waiting: Mapping[date, frozenset[str]],
    shown: Set[str],
    pseudonyms: Callable[[], Pseudonyms],
) -> Exported:
    """`shown` are files that a page may be reading, whatever became of their export since."""
    before = _before(export, processed)
    todo = todo_of(export, before.kept, builds_of(writer, export, grain_of(catalog, export)), waiting)
    stays = before.is_rewritten and before.may_stay
    if stays and would_lose(before.parts, todo.left_out):
        return Exported(export.name, [], [], todo.held_back, NOT_WHOLE, visible=before.parts)
    rows = contents(writer, catalog, export, todo.due)
    if export.pseudonyms and todo.due:
        try:
            rows = pseudonymized(export, rows, pseudonyms())
        except PlatformError as error:
            return Exported(export.name, [], [], todo.held_back, str(error), visible=before.parts)
    attempt = _attempt(export, before, rows, processed)
    files = set(before.listing.files) | paths_of(attempt.written)
    if stays and attempt.problem is not None:
        note(writer, export, [], todo.held_back, attempt.problem)
        _sweep(export, before.manifest, processed, files - shown)
        return Exported(export.name, [], [], todo.held_back, attempt.problem, visible=before.parts)
    # Before it is visible: from then on nobody would write it again.
    note(writer, export, attempt.written, todo.held_back, attempt.problem)
    manifest = before.manifest
    if _is_news(before, attempt):
        manifest = _manifest(export, before, attempt, run_id)
        processed.write(manifest_path(export.name), MANIFEST.dump_json(manifest, indent=1))
    _sweep(export, manifest, processed, files - (shown if before.may_stay else set()))
    removed = sorted({part.path for part in before.parts} - paths_of(attempt.visible))
    return Exported(
        export.name,
        attempt.written,
        removed,
        todo.held_back,
        attempt.problem,
        before.is_rewritten,
        attempt.visible,
    )


def _before(export: Export, processed: Place) -> _Before:
    manifest = read_manifest(processed, export.name)
    is_rewritten = manifest is not None and not manifest.is_of(export)
    parts = manifest.parts if manifest is not None and not is_rewritten else []
    listing = listing_of(processed, export.name)
    damaged = frozenset(one.path for part in parts for one in damages_of(listing, export.name, part))
    return _Before(
        manifest=manifest,
        listing=listing,
        damaged=damaged,
        intact=(paths_of(parts) & listing.files.keys()) - damaged,
        kept={day: of_day for day, of_day in by_day(parts).items() if paths_of(of_day).isdisjoint(damaged)},
        is_rewritten=is_rewritten,
        may_stay=manifest is not None and _may_stay(manifest, export),
    )


def _attempt(export: Export, before: _Before, due: Iterator[tuple[ExportRows, ...]], processed: Place) -> _Attempt:
    written: list[Part] = []
    problems: list[str] = []
    kept = dict(before.kept)
    columns = before.manifest.columns if before.manifest is not None else []
    # Encoding keeps a core busy, and writing waits for a disk or a network: some files at a time.
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool, closing(prefetched(due)) as batches:
        for batch in batches:
            columns = described(export, batch[0].rows)
            for content, parts in zip(batch, pool.map(partial(write_day, export, processed), batch), strict=True):
                if isinstance(parts, NotEncodable):
                    problems.append(f"{content.build.key or 'all'}: {parts}")
                    continue
                written += [part for part in parts if part.path not in before.intact]
                kept.pop(content.build.key, None)
                if parts:
                    kept[content.build.key] = parts
    visible = [part for day in sorted(kept, key=str) for part in kept[day]]
    return _Attempt(written, visible, "; ".join(problems[:3]) or None, columns)


def _is_news(before: _Before, attempt: _Attempt) -> bool:
    """Whether the manifest has to be written: also where files are younger than it, so that they are hashed once."""
    is_younger = any(before.listing.is_younger(path) for path in paths_of(attempt.visible))
    return attempt.visible != before.parts or before.is_rewritten or bool(before.damaged) or is_younger


def _manifest(export: Export, before: _Before, attempt: _Attempt, run_id: str) -> Manifest:
    old = before.manifest
    superseded = sorted(paths_of(before.parts) - paths_of(attempt.visible)) or (old.superseded if old else [])
    if old is not None and not before.may_stay:
        superseded = []  # they may show what is masked or suppressed by now
    return Manifest(
        export.name,
        export.model,
        export.description,
        export.owner,
        export.format,
        export.encoding,
        attempt.columns,
        attempt.visible,
        run_id,
        superseded=superseded,
        contract=export.contract,
        unencodable=export.unencodable,
        partition_by=export.partition_by,
    )


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
