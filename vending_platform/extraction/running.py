"""One extraction of a database: of every source what changed, in one snapshot, as deliveries in the raw place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from vending_platform.catalog import DeliveryMode, ExtractTable, Source
from vending_platform.extraction import changes
from vending_platform.extraction.crash_points import ExtractionPoint
from vending_platform.extraction.deliveries import Deliveries, business_day
from vending_platform.extraction.interface import (
    Between,
    ChosenDays,
    Everything,
    Extracted,
    ExtractionError,
    KeysOnly,
    Part,
    Since,
    System,
    SystemSnapshot,
    Workplace,
)
from vending_platform.extraction.notes import METADATA, Note, write_note
from vending_platform.extraction.scratch import emptied_scratch
from vending_platform.extraction.writing import MetadataOf, Written, write_rows
from vending_platform.storage import StoredFile

_SLACK = timedelta(days=1)
"""A delivery can hold rows whose watermark is a little later than its snapshot: clocks differ."""


def extract(
    system: System, sources: Sequence[Source], place: Workplace, days: ChosenDays | None = None
) -> list[Extracted]:
    """One result per source, in one snapshot of them all. What is wrong with one source stops no other; a system that
    does not answer raises."""
    done = []
    with emptied_scratch(place), system.snapshot() as snapshot:
        place.on_point(ExtractionPoint.OPENED)
        for source in sources:
            begun = monotonic()
            try:
                with TemporaryDirectory(dir=place.scratch) as folder:
                    found = _One(snapshot, source, place, Path(folder)).extract(days)
            except ExtractionError as error:
                found = Extracted(source.name, business_day(snapshot.taken_at), problem=str(error))
            done.append(replace(found, seconds=monotonic() - begun))
    return done


@dataclass(frozen=True)
class _One:
    """The extraction of one source."""

    snapshot: SystemSnapshot
    source: Source
    place: Workplace
    folder: Path

    def extract(self, days: ChosenDays | None) -> Extracted:
        self.deliveries.sweep()
        if self.source.files.delivery is DeliveryMode.SNAPSHOT:
            return self._whole_table(days)
        return self._changes(days)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.source, self.place.raw, self.folder)

    @cached_property
    def declared(self) -> ExtractTable:
        assert isinstance(self.source.extract, ExtractTable), "only tables of databases come here"
        return self.source.extract

    def _whole_table(self, days: ChosenDays | None) -> Extracted:
        """A database has no past: of other days than today there is nothing to extract."""
        now = self.snapshot.taken_at
        today = business_day(now)
        if days is not None and not days.first <= today <= days.last:
            return Extracted(self.source.name, today)
        self.snapshot.shape(self.source)
        written = self._write(Everything(), "rows")
        path = self.deliveries.name_of_day(now)
        return self._delivered(written.path, path, Note(path, now, None, "", None), written, 0)

    def _changes(self, days: ChosenDays | None) -> Extracted:
        now, shape, known = (
            self.snapshot.taken_at,
            self.snapshot.shape(self.source),
            self.deliveries.known(self.place.work),
        )
        noted_shape = shape if days is None else known.shape if known is not None else ""
        path = self.deliveries.name_at(now)
        part = self._part(known, shape, days)
        is_compared = days is None and self._comparison_is_due(known)
        before = known.watermark if known is not None else None
        compared = now if is_compared or not self.deliveries.all else known.compared_at if known is not None else None

        def note(watermark: str | None) -> Note:
            latest = before if days is not None else max(filter(None, (before, watermark)), default=None)
            return Note(path, now, latest, noted_shape, compared)

        written = self._write(part, "rows", lambda latest: {METADATA: note(latest).as_json()})
        rows, deleted = self._without_known(written, part), 0
        if is_compared:
            keys = self._write(KeysOnly(), "keys").path
            files = self._local(self.deliveries.all)
            unknown, _ = changes.differences(self.source, keys, [*files, written.path], self.folder)
            if unknown and not isinstance(part, Everything):
                # Something was committed later than the overlap reaches back.
                part = Everything()
                written = self._write(part, "rows", lambda latest: {METADATA: note(latest).as_json()})
                rows = self._without_known(written, part)
            _, deleted = changes.differences(self.source, keys, [*files, written.path], self.folder)
            if deleted:
                changes.add_deleted(self.source, written.path, keys, [*files, written.path], self.folder)
        noted = note(written.watermark)
        if rows + deleted:
            return self._delivered(written.path, path, noted, replace(written, rows=rows + deleted), deleted)
        last = self.deliveries.all[-1].path if self.deliveries.all else None
        write_note(self.place.work, self.source.name, replace(noted, delivered=last))
        self.place.on_point(ExtractionPoint.NOTED)
        return Extracted(self.source.name, business_day(now), rows_read=written.rows, watermark=noted.watermark)

    def _part(self, known: Note | None, shape: str, days: ChosenDays | None) -> Part:
        """Other columns than the last time mean the whole table: a new column has values in rows that no one wrote."""
        if days is not None:
            return Between(days.first, days.last)
        if known is None or known.watermark is None or known.shape != shape:
            return Everything()
        return Since(known.watermark, self.declared.overlap)

    def _comparison_is_due(self, known: Note | None) -> bool:
        every = self.declared.compare_keys
        if every is None or not self.deliveries.all:
            return False
        return known is None or known.compared_at is None or self.snapshot.taken_at - known.compared_at >= every

    def _without_known(self, written: Written, part: Part) -> int:
        """How many rows are left that no delivery says already."""
        files: Sequence[StoredFile] = self.deliveries.all
        if isinstance(part, Since):
            cut = datetime.fromisoformat(part.watermark).replace(tzinfo=UTC) - part.overlap - _SLACK
            # An older file would only say what was read then, and no row that is read now is of that time.
            files = self.deliveries.since(cut) or files[-1:]
        if not files:
            return written.rows
        return changes.remove_known(self.source, written.path, self._local(files), self.folder)

    def _local(self, files: Sequence[StoredFile]) -> list[Path]:
        return [self.deliveries.local(file) for file in files]

    def _write(self, part: Part, name: str, metadata: MetadataOf = lambda _: {}) -> Written:
        path = self.folder / f"{name}.parquet"
        return write_rows(
            self.snapshot, self.source, part, path, lambda rows: self.place.on_rows(self.source.name, rows), metadata
        )

    def _delivered(self, content: Path, path: str, note: Note, written: Written, deleted: int) -> Extracted:
        self.place.on_point(ExtractionPoint.WRITTEN_ASIDE)
        is_new = self.deliveries.write(path, content)
        self.place.on_point(ExtractionPoint.DELIVERED)
        write_note(self.place.work, self.source.name, note)
        self.place.on_point(ExtractionPoint.NOTED)
        return Extracted(
            self.source.name,
            business_day(note.taken_at),
            path if is_new else None,
            written.rows,
            written.rows,
            content.stat().st_size,
            watermark=note.watermark,
            deleted=deleted,
        )
