"""What is known of earlier extractions of a source.

A delivery of changes carries its own note, so a note and its delivery become visible in one step. The copy in the work
place spares reading the newest delivery, and holds what no delivery says: that keys were compared and nothing differed.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from vending_platform.storage import Place

METADATA = b"vending_extraction"
"""The key of a note in the metadata of a Parquet file."""


@dataclass(frozen=True)
class Note:
    """After one extraction: the last delivery that there is, and where the next extraction begins."""

    delivered: str | None
    """Its path."""
    taken_at: datetime
    watermark: str | None
    shape: str
    """The table's columns, as they were."""
    compared_at: datetime | None
    """When all keys were compared the last time."""

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), default=datetime.isoformat, ensure_ascii=False).encode()


def note_from(text: bytes) -> Note:
    known = json.loads(text)
    for key in ("taken_at", "compared_at"):
        known[key] = datetime.fromisoformat(known[key]) if known[key] else None
    return Note(**known)


def read_note(work: Place, source: str) -> Note | None:
    try:
        return note_from(b"".join(work.read_path(_path(source))))
    except (KeyError, ValueError, TypeError):  # there is none, or an older version of the platform wrote it
        return None


def write_note(work: Place, source: str, note: Note) -> None:
    work.write(_path(source), note.as_json())


def _path(source: str) -> str:
    return f"extraction/{source}.json"
