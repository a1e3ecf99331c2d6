"""One extraction of a table of DynamoDB: of every source what changed since its last delivery.

The first time, and where changes can't be had, it is the whole table; then exports of the changes, a day at most each,
follow each other without a gap. Windows may overlap: of each key the latest delivery has how it ended.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from vending_platform.catalog import Source
from vending_platform.extraction.crash_points import ExtractionPoint
from vending_platform.extraction.deliveries import Deliveries, business_day
from vending_platform.extraction.dynamodb.delivering import SourceItems
from vending_platform.extraction.dynamodb.planning import REACH, ExportStep, Progress, shape_of, steps, steps_of_days
from vending_platform.extraction.dynamodb.points import ExportPoint
from vending_platform.extraction.dynamodb.reading import Items
from vending_platform.extraction.dynamodb.requests import WantedExport, completed, forget_pending, read_pending
from vending_platform.extraction.dynamodb.scanning import scanned
from vending_platform.extraction.dynamodb.settings import ItemTable
from vending_platform.extraction.dynamodb.undeclared import undeclared
from vending_platform.extraction.dynamodb.verifying import fetch
from vending_platform.extraction.engine import opened_engine
from vending_platform.extraction.interface import (
    ChosenDays,
    Extracted,
    ExtractionError,
    SystemUnavailable,
    Workplace,
    summed,
)
from vending_platform.extraction.notes import METADATA, Note, write_note
from vending_platform.file_lock import exclusive

_MEMORY = "400MB"
_RIGHT_BEFORE = timedelta(microseconds=1)


def extract(
    table: ItemTable,
    sources: Sequence[Source],
    place: Workplace,
    days: ChosenDays | None = None,
    *,
    declared: Sequence[Source] = (),
) -> list[Extracted]:
    """One result per source. What is wrong with one source stops no other; a table that does not answer raises.
    `declared` are all sources of the table, where only some are extracted: an item of another one is not undeclared."""
    with exclusive(place.scratch.with_suffix(".lock"), "extraction", place.on_wait):
        shutil.rmtree(place.scratch, ignore_errors=True)  # of an extraction that was killed
        place.scratch.mkdir(parents=True)
        begun = monotonic()
        done = _Extraction(table, sources, place, days, declared or sources).run()
        return [replace(one, seconds=monotonic() - begun) for one in done]


@dataclass(frozen=True)
class _Extraction:
    table: ItemTable
    sources: Sequence[Source]
    place: Workplace
    days: ChosenDays | None
    declared: Sequence[Source]

    def run(self) -> list[Extracted]:
        found = {source.name: Extracted(source.name, business_day(self.moment)) for source in self.sources}
        for name, problem in self._wrong_keys().items():
            found[name] = replace(found[name], problem=problem)
        progress = [
            Progress(source, self._deliveries(source).known(self.place.work))
            for source in self.sources
            if found[source.name].problem is None
        ]
        try:
            for step in self._steps(progress):
                for one in self._do(step):
                    found[one.source] = _both(found[one.source], one)
        except ExtractionError as error:
            for source in (one.source for one in progress):
                problem = f"{source.name}: {error}{self._days_left(progress)}"
                found[source.name] = replace(found[source.name], problem=problem)
        except SystemUnavailable as error:
            if not (left := self._days_left(progress)):
                raise
            raise SystemUnavailable(f"{error}{left}") from error
        return list(found.values())

    @cached_property
    def moment(self) -> datetime:
        """Up to when changes are extracted."""
        return self.table.now().astimezone(UTC).replace(microsecond=0)

    def _steps(self, progress: Sequence[Progress]) -> Iterator[ExportStep]:
        if not progress:
            return iter(())
        if self.table.settings.exports is None:
            return iter([ExportStep(WantedExport(self.moment), tuple(one.source.name for one in progress))])
        pending = read_pending(self.place.work, self.table)
        earliest = self.table.earliest
        if self.days is not None:
            return steps_of_days(progress, self.days, self.moment, earliest)
        return steps(progress, self.moment, earliest, pending.wanted if pending is not None else None)

    def _do(self, step: ExportStep) -> Iterator[Extracted]:
        sources = [source for source in self.sources if source.name in step.sources]
        with TemporaryDirectory(dir=self.place.scratch) as name:
            folder = Path(name)
            with opened_engine(folder, _MEMORY) as engine:
                is_full = step.wanted.is_full
                items = Items(engine, sources, self.table.key, is_full, self.table.name, self.declared)
                try:
                    self._load(items, step.wanted, folder)
                except ExtractionError:
                    forget_pending(self.place.work, self.table)  # the next extraction asks for another one
                    raise
                self.place.on_point(ExtractionPoint.OPENED)
                left = undeclared(items)
                for source in sources:
                    yield replace(self._deliver(SourceItems(items, source, folder), step.wanted), undeclared=left)
        forget_pending(self.place.work, self.table)

    def _load(self, items: Items, wanted: WantedExport, folder: Path) -> None:
        if self.table.settings.exports is None:
            items.load(scanned(self.table, folder), f"{self.table}")
            return
        pending, described = completed(self.place.work, self.table, wanted)
        files = fetch(self.table, pending, described, folder)
        self.table.on_point(ExportPoint.VERIFIED)
        items.load(files, f"the export {pending.arn}")

    def _deliver(self, found: SourceItems, wanted: WantedExport) -> Extracted:
        source = found.source
        deliveries = self._deliveries(source, found.folder)
        deliveries.sweep()
        before = deliveries.known(self.place.work)
        if self.days is None:
            path = deliveries.name_at(wanted.until)
            note = Note(path, wanted.until, wanted.until.isoformat(), shape_of(source), None)
        else:  # how far deliveries have come does not change
            path = deliveries.name_at(wanted.until - _RIGHT_BEFORE)
            known = before or Note(None, wanted.until, None, "", None)
            note = replace(known, delivered=path)
        content = found.folder / f"{source.name}.parquet"
        reached = datetime.fromisoformat(before.watermark) if before is not None and before.watermark else None
        written = found.write(
            content,
            {METADATA: note.as_json()},
            lambda: [deliveries.local(file) for file in deliveries.all],
            overlaps=wanted.since is not None and reached is not None and wanted.since < reached,
        )
        self.place.on_rows(source.name, written.rows)
        result = Extracted(source.name, business_day(wanted.until), rows_read=written.read, watermark=note.watermark)
        if not written.rows:
            last = deliveries.all[-1].path if deliveries.all else None
            return self._noted(source, replace(note, delivered=last), result)
        self.place.on_point(ExtractionPoint.WRITTEN_ASIDE)
        is_new = deliveries.write(path, content)
        self.place.on_point(ExtractionPoint.DELIVERED)
        size = content.stat().st_size
        result = replace(result, path=path if is_new else None, rows=written.rows, bytes=size, deleted=written.deleted)
        last = max([path, *(file.path for file in deliveries.all)])
        return self._noted(source, replace(note, delivered=last), result)

    def _noted(self, source: Source, note: Note, result: Extracted) -> Extracted:
        write_note(self.place.work, source.name, note)
        self.place.on_point(ExtractionPoint.NOTED)
        return result

    def _deliveries(self, source: Source, scratch: Path | None = None) -> Deliveries:
        return Deliveries(source, self.place.raw, scratch or self.place.scratch)

    def _wrong_keys(self) -> dict[str, str]:
        """Sources whose key is not the table's: changes and deletions come by that."""
        return {
            source.name: f"{source.name}: its key is {', '.join(key)}, and that of {self.table} is"
            f" {', '.join(self.table.key)}: the contract's key has to be the same attributes"
            for source in self.sources
            for key in [[source.column(name).text_in_header for name in source.files.key]]
            if set(key) != set(self.table.key)
        }

    def _days_left(self, progress: Sequence[Progress]) -> str:
        """A warning where changes will soon be out of reach."""
        reached = min((one.reached for one in progress if one.reached is not None), default=None)
        if reached is None or self.table.settings.exports is None:
            return ""
        last = reached + REACH
        if last - self.moment > timedelta(days=self.table.settings.warn_days):
            return ""
        return (
            f"; changes since {reached:%Y-%m-%d %H:%M} UTC can be exported until {last:%Y-%m-%d %H:%M} UTC, afterwards"
            " only the whole table"
        )


def _both(one: Extracted, other: Extracted) -> Extracted:
    """Of two exports of the same source."""
    return replace(
        other,
        path=other.path or one.path,
        rows=one.rows + other.rows,
        rows_read=one.rows_read + other.rows_read,
        bytes=one.bytes + other.bytes,
        deleted=one.deleted + other.deleted,
        undeclared=summed([*one.undeclared, *other.undeclared]),
    )
