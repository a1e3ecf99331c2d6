"""The deliveries of a source that extractions have written: their names, their order, their content."""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from vending_platform.catalog import Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.extraction.notes import METADATA, Note, note_from, read_note
from vending_platform.storage import LocalPlace, Place, StoredFile
from vending_platform.storage.interface import CHUNK

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""What a killed process leaves behind of a file that it was writing."""


@dataclass(frozen=True)
class Deliveries:
    """Those of one source in the raw place. `scratch` gets copies of files that are not on this computer."""

    source: Source
    raw: Place
    scratch: Path

    @cached_property
    def _folder(self) -> str:
        return self.source.files.names[0].rpartition("/")[0]

    @cached_property
    def all(self) -> tuple[StoredFile, ...]:
        """In the order of their snapshots."""
        found = [file for file in self.raw.files(self._folder) if self.source.match(file.path) is not None]
        return tuple(sorted(found, key=lambda file: file.path))

    def since(self, moment: datetime) -> tuple[StoredFile, ...]:
        """Those whose snapshot was not taken before."""
        first = self.name_at(moment)
        return tuple(file for file in self.all if file.path >= first)

    def name_at(self, taken_at: datetime) -> str:
        """The path of a delivery of changes: a later snapshot has a greater one."""
        return self.source.files.names[0].replace("{any}", f"{taken_at.astimezone(UTC):{_STAMP}}")

    def name_of_day(self, taken_at: datetime) -> str:
        """The path of a whole table: one a business day."""
        return self.name_of(business_day(taken_at))

    def name_of(self, day: date) -> str:
        """The path of the delivery of a day."""
        return self.source.files.names[0].replace("{yyyymmdd}", f"{day:%Y%m%d}")

    def note_of(self, file: StoredFile) -> Note | None:
        """What a delivery says about itself; None if it was not written by an extraction."""
        metadata = pq.read_schema(self.local(file)).metadata or {}
        return note_from(metadata[METADATA]) if METADATA in metadata else None

    def known(self, work: Place) -> Note | None:
        """What the last extraction noted; if it was killed before that, what its delivery says."""
        noted, last = read_note(work, self.source.name), self.all[-1] if self.all else None
        if noted is not None and noted.delivered == (last.path if last is not None else None):
            return noted
        return self.note_of(last) if last is not None else None

    def local(self, file: StoredFile) -> Path:
        """Where a delivery can be read on this computer."""
        if isinstance(self.raw, LocalPlace):
            return self.raw.folder / file.path
        copy = self.scratch / hashlib.sha256(f"{file.path} {file.etag}".encode()).hexdigest()
        if not copy.exists():
            with tempfile.NamedTemporaryFile(dir=self.scratch, delete=False) as aside:
                aside.writelines(self.raw.chunks(file))
            Path(aside.name).rename(copy)
        return copy

    def write(self, path: str, content: Path) -> bool:
        """Makes a file visible in one step; False if it is there already, with the same bytes."""
        there = next(iter(self.raw.named([path])), None)
        is_as_long = there is not None and there.size == content.stat().st_size
        if there is not None and is_as_long and _hash(self.raw.chunks(there)) == _hash(_chunks(content)):
            return False
        self.raw.write(path, _chunks(content))
        return True

    def sweep(self) -> None:
        """Removes what killed extractions have left of files that they were writing."""
        if isinstance(self.raw, LocalPlace):
            for path in (self.raw.folder / self._folder).glob(".*.tmp"):
                if _UNFINISHED.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def business_day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _hash(chunks: Iterable[bytes], new: Callable[[], "hashlib._Hash"] = hashlib.sha256) -> bytes:
    digest = new()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()
