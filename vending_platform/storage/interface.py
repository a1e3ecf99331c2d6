"""What every place can do, wherever it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from vending_platform.errors import Unavailable

CHUNK = 8 * 1024 * 1024
PAGE = 1000


class StoredFile(NamedTuple):
    """A file as a listing shows it. `etag` changes whenever the store knows that the content may have changed;
    `modified_at` is in UTC.

    Like what is made of it (`NameParts`, `Delivered`) it is a tuple: a listing makes hundreds of thousands of them, and
    frozen dataclasses take nearly twice as long.
    """

    path: str
    size: int
    etag: str
    modified_at: datetime


class Unreadable(Unavailable):
    """A file that was listed can't be read as listed; the message says why. Nothing is known about its content."""


class StorageError(Unavailable):
    """A whole place can't be used; the message says which one, why, and what to do."""


class Place(Protocol):
    """Writing is atomic: a reader sees the old file, or the new one whole."""

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the place (or below the folder `prefix` in it), in no particular order."""

    def paths(self, prefix: str = "") -> Iterator[str]:
        """The paths of these files: on a disk that is faster, as no status of a file has to be read."""

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        """Every file whose path comes after `after`, in the order of their paths in UTF-8, a thousand at a time."""

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        """Those of these files that exist, as a listing shows them."""

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, in pieces. `Unreadable` if it is gone, or is no longer the file that was listed."""

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        """The content of each file, in order; a file that can't be read does not stop the others."""

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None: ...

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that is not there yet, whole; of several that try at once, also in other processes, one gets
        True and the others change nothing."""

    def read_path(self, path: str) -> Iterator[bytes]:
        """The bytes of a file that this platform wrote itself; KeyError if there is none."""

    def read_span(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """As `read_path`, from the byte `start` up to before the byte `end`."""

    def link(self, path: str, seconds: int) -> str | None:
        """An address from which anyone can fetch the file for so long; None where a place has no such addresses."""

    def has(self, path: str) -> bool: ...

    def delete(self, path: str) -> None:
        """Afterwards there is no such file, whether or not there was one."""


@dataclass(frozen=True)
class Storage:
    """The places of one environment."""

    raw: Place
    processed: Place
    artifacts: Place
    work: Place


def read_whole(place: Place, file: StoredFile) -> bytes | Unreadable:
    """The content of a file, or why there is none."""
    try:
        return b"".join(place.chunks(file))
    except Unreadable as problem:
        return problem
