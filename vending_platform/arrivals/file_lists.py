"""Which files a run is about: a small object per run in the work place, named by its content.

It is written before the run is requested, so where the run is found its files are. A run's config has only the name:
Dagster refuses a config that is too large, and keeps every one in its history.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from vending_platform.arrivals.run_requests import Request
from vending_platform.arrivals.s3_events import ArrivedFile
from vending_platform.storage import Place

_FOLDER = "arrivals"
_NAME = re.compile(r"[0-9a-f]{32}")
_KEPT = timedelta(days=30)
"""Longer than a queue keeps a message (14 days). A load that fails for so long is left to the daily sweep."""
_REMEMBERED = 100_000
"""Files that one process remembers of lists it has read: they never change."""


@dataclass(frozen=True)
class FileList:
    """What was requested, and the writings it is about, as in `ArrivedFile.key`."""

    request: Request
    keys: frozenset[tuple[str, str, str]]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(path for path, _, _ in self.keys)


class Lists:
    """Keeps lists in `place`, and remembers some of them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._read: dict[str, FileList] = {}

    def keep(self, request: Request, notices: Iterable[ArrivedFile]) -> Request:
        """The request for exactly these files, once their list is on record. The same files have the same list."""
        keys = sorted({notice.key for notice in notices})
        content = json.dumps(
            {
                "sources": request.sources,
                "first_day": request.first_day and request.first_day.isoformat(),
                "last_day": request.last_day and request.last_day.isoformat(),
                "files": keys,
            }
        ).encode()
        name = hashlib.sha256(content).hexdigest()[:32]
        self._place.write(_path(name), content)
        return replace(request, files=len({path for path, _, _ in keys}), listed=name)

    def read(self, name: str) -> FileList | None:
        """The list of that name, unless it was kept too long ago."""
        if name not in self._read:
            if not _NAME.fullmatch(name):
                return None  # a person can type anything into a run's config
            try:
                stored = json.loads(b"".join(self._place.read_path(_path(name))))
            except KeyError:
                return None
            keys = frozenset((path, etag, writing) for path, etag, writing in stored["files"])
            first, last = (stored[day] and date.fromisoformat(stored[day]) for day in ("first_day", "last_day"))
            request = Request(tuple(stored["sources"]), first, last, len({path for path, _, _ in keys}), listed=name)
            self._read[name] = FileList(request, keys)
            while len(self._read) > 1 and sum(len(known.keys) for known in self._read.values()) > _REMEMBERED:
                del self._read[next(iter(self._read))]
        return self._read[name]

    def forget(self, now: datetime) -> int:
        """Remove lists that will not be needed any more. Returns how many."""
        old = [file.path for file in self._place.files(_FOLDER) if now - file.modified_at > _KEPT]
        for path in old:
            self._place.delete(path)
        return len(old)


def _path(name: str) -> str:
    return f"{_FOLDER}/{name}.json"
