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
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, partial
from itertools import groupby

from vending_platform.catalog import Catalog, Export, Grain
from vending_platform.errors import PlatformError
from vending_platform.exporting.contents import ExportRows, builds_of, contents
from vending_platform.exporting.dashboard import read_page_manifest, write_page_manifest
from vending_platform.exporting.encoding import NotEncodable
from vending_platform.exporting.findings import ExportFindings, WrittenFile, note_export
from vending_platform.exporting.manifest import MANIFEST, Manifest, Part, manifest_path, paths_of, read_manifest
from vending_platform.exporting.pseudonymizing import no_key, pseudonymized
from vending_platform.exporting.shaping import described
from vending_platform.exporting.verification import Listing, damages_of, listing_of
from vending_platform.exporting.writing import write_day
from vending_platform.garbage import own_garbage_only
from vending_platform.ledger import OF_FINDINGS, ModelBuild, has_builds, prepare_ledger
from vending_platform.prefetch import prefetched
from vending_platform.pseudonyms import Pseudonyms
from vending_platform.storage import Place
from vending_platform.warehouse import Reader, Warehouse, Writer

_FILES_AT_ONCE = 4
_NOT_WHOLE = (
    "it is declared otherwise than before, and is written again as a whole once all of its days may leave; until then"
    " the files of before stay"
)


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

    @property
    def replaced(self) -> list[str]:
        """Where 〓 stands in a file that was written now, because the encoding lacks a character."""
        return [f"{part.path}: {text}" for part in self.written for text in part.replaced]


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
        done = [_export(export, catalog, writer, processed, run_id, waiting, shown, pseudonyms) for export in chosen]
        write_page_manifest(catalog, processed, page, now=datetime.now(UTC))
        return done


def current_parts(catalog: Catalog, processed: Place) -> Iterator[tuple[str, Part]]:
    """The files that are visible now, with the name of their export."""
    for export in catalog.exports:
        if (manifest := read_manifest(processed, export.name)) is not None:
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
class _Todo:
    """Of the days that were built since, those that may leave now, and those that may not."""

    due: list[ModelBuild]
    held_back: list[str]
    left_out: Set[str | None]


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
    todo = _todo(export, before, builds_of(writer, export, _grain(catalog, export)), waiting)
    stays = before.is_rewritten and before.may_stay
    if stays and _would_lose(before.parts, todo.left_out):
        return Exported(export.name, [], [], todo.held_back, _NOT_WHOLE, visible=before.parts)
    rows = contents(writer, catalog, export, todo.due)
    if export.pseudonyms and todo.due:
        try:
            rows = pseudonymized(export, rows, pseudonyms())
        except PlatformError as error:
            return Exported(export.name, [], [], todo.held_back, str(error), visible=before.parts)
    attempt = _attempt(export, before, rows, processed)
    files = set(before.listing.files) | paths_of(attempt.written)
    if stays and attempt.problem is not None:
        _note(writer, export, [], todo.held_back, attempt.problem)
        _sweep(export, before.manifest, processed, files - shown)
        return Exported(export.name, [], [], todo.held_back, attempt.problem, visible=before.parts)
    # Before it is visible: from then on nobody would write it again.
    _note(writer, export, attempt.written, todo.held_back, attempt.problem)
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


def _grain(catalog: Catalog, export: Export) -> Grain:
    return next(model.grain for model in catalog.models if model.name == export.model)


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
        kept={day: of_day for day, of_day in _by_day(parts).items() if paths_of(of_day).isdisjoint(damaged)},
        is_rewritten=is_rewritten,
        may_stay=manifest is not None and _may_stay(manifest, export),
    )


def _todo(
    export: Export, before: _Before, builds: Iterable[ModelBuild], waiting: Mapping[date, frozenset[str]]
) -> _Todo:
    new = [
        build
        for build in builds
        if (build.key not in before.kept and build.row_count != 0)
        or any(part.built_at != build.built_at for part in before.kept.get(build.key, ()))
    ]
    due = [build for build in new if _may_leave(export, build) and not _is_waiting(export, build, waiting)]
    return _Todo(
        due=due,
        held_back=[build.key or export.name for build in new if not _may_leave(export, build)],
        left_out={build.key for build in new} - {build.key for build in due},
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


def _note(writer: Writer, export: Export, written: Iterable[Part], held_back: list[str], problem: str | None) -> None:
    """Leave the results of the checks where the next recorder finds them."""
    files = [WrittenFile(part.day, part.rows, part.sha256) for part in written]
    if found := note_export(ExportFindings(export.name, files, held_back, problem)):
        writer.publish(found, lambda _: None)


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


def _by_day(parts: Iterable[Part]) -> dict[str | None, list[Part]]:
    return {day: list(of_day) for day, of_day in groupby(parts, key=lambda part: part.day)}


def _may_leave(export: Export, build: ModelBuild) -> bool:
    return build.checks_passed or (export.publish_if_checks_failed and build.is_finished)


def _is_waiting(export: Export, build: ModelBuild, stale: Mapping[date, frozenset[str]]) -> bool:
    if not build.checks_passed:
        return False  # it is stale for that alone, and leaves all the same
    if build.day is None:
        return any(export.model in models for models in stale.values())
    if export.is_by_month:
        return any(export.model in models for day, models in stale.items() if Grain.MONTH.start(day) == build.day)
    return export.model in stale.get(build.day, ())


def _would_lose(parts: Iterable[Part], days: Set[str | None]) -> bool:
    """Whether readers see any of these days now; one file for all of them has every day."""
    seen = {part.day for part in parts}
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
