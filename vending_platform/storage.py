"""Where files live. A `Place` is one folder or one bucket prefix; `Storage` is the four that an environment has.

Everything goes through obstore, with one exception: a local folder is listed and read directly. obstore stops a
whole listing at the first name it can't express (a line break, bytes that are no UTF-8), and one odd file must not
hide the others; reading directly is also six times faster for thousands of small files.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore

from vending_platform.environment import Places

_CHUNK = 8 * 1024 * 1024
_PARALLEL_READS = 16


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as a listing shows it. `etag` changes whenever the store knows that the content may have changed."""

    path: str
    size: int
    etag: str
    modified_at: datetime


class Unreadable(Exception):
    """A file that was listed can't be read as listed; the message says why. Nothing is known about its content."""


@dataclass(frozen=True)
class Place:
    """One folder or bucket prefix. Writing is atomic: a reader sees the old file, or the new one whole."""

    store: ObjectStore
    folder: Path | None = None

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the place (or below the folder `prefix` in it), in no particular order."""
        prefix = prefix and prefix.rstrip("/") + "/"
        if self.folder is not None:
            yield from _walk(self.folder, prefix)
            return
        for page in obstore.list(self.store, prefix or None):
            for entry in page:
                yield StoredFile(entry["path"], entry["size"], entry["e_tag"] or "", entry["last_modified"])

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, piece by piece. `Unreadable` if it is gone, or is no longer the file that was listed."""
        try:
            if self.folder is not None:
                # Without blocking: opening a pipe that lies among the files would otherwise wait for ever.
                descriptor = os.open(os.path.join(self.folder, file.path), os.O_RDONLY | os.O_NONBLOCK)
                with open(descriptor, "rb", buffering=0) as opened:
                    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                        raise Unreadable("it is no regular file")
                    while chunk := opened.read(min(_CHUNK, file.size + 1)):
                        yield chunk
                    after = _stored(file.path, os.fstat(descriptor))
            else:
                result = obstore.get(self.store, file.path)
                yield from (bytes(chunk) for chunk in result.stream(_CHUNK))
                after = StoredFile(file.path, result.meta["size"], result.meta["e_tag"] or "", file.modified_at)
        except (FileNotFoundError, NotFoundError):
            raise Unreadable("it was deleted while this run was reading") from None
        except (OSError, BaseError) as error:
            raise Unreadable(f"it can't be opened: {_first_line(error)}") from error
        if (after.size, after.etag) != (file.size, file.etag):
            raise Unreadable("it was still being written while this run was reading")

    def read(self, file: StoredFile) -> bytes:
        """The file's bytes, whole; `Unreadable` as `chunks` says."""
        return b"".join(self.chunks(file))

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        """The content of each file, in order; a file that can't be read does not stop the others."""
        if self.folder is not None:
            yield from map(self._attempt, files)
            return
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            yield from pool.map(self._attempt, files)

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        obstore.put(self.store, path, content)

    def read_path(self, path: str) -> Iterator[bytes]:
        """The bytes of a file that this platform wrote itself; KeyError if there is none."""
        try:
            yield from (bytes(chunk) for chunk in obstore.get(self.store, path).stream(_CHUNK))
        except (FileNotFoundError, NotFoundError):
            raise KeyError(path) from None

    def has(self, path: str) -> bool:
        try:
            obstore.head(self.store, path)
        except (FileNotFoundError, NotFoundError):
            return False
        return True

    def delete(self, path: str) -> None:
        """Afterwards there is no such file, whether or not there was one."""
        try:
            obstore.delete(self.store, path)
        except (FileNotFoundError, NotFoundError):
            return

    def _attempt(self, file: StoredFile) -> bytes | Unreadable:
        try:
            return self.read(file)
        except Unreadable as problem:
            return problem


@dataclass(frozen=True)
class Storage:
    """The places of one environment."""

    raw: Place
    processed: Place
    artifacts: Place
    work: Place


def open_storage(places: Places) -> Storage:
    return Storage(*(open_place(url) for url in (places.raw, places.processed, places.artifacts, places.work)))


def open_place(url: str) -> Place:
    """The place at `url`, which today must be a local folder (made if it is missing)."""
    if "://" in url:
        raise ValueError(f"{url}: only local folders can be opened so far")
    folder = Path(url)
    return Place(LocalStore(folder, mkdir=True), folder)


def _walk(folder: Path, inside: str) -> Iterator[StoredFile]:
    """The files below `folder / inside`; their paths are relative to `folder`, with `/` between the parts."""
    try:
        entries = list(os.scandir(folder / inside))
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder, f"{path}/")
            continue
        try:
            status = entry.stat()
        except OSError:
            status = entry.stat(follow_symlinks=False)  # a link to nowhere is listed, and says so when it is read
        yield _stored(path, status)


def _stored(path: str, status: os.stat_result) -> StoredFile:
    """The etag holds the time of the last change that nobody can set (ctime): restoring an old time hides nothing."""
    etag = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_size:x}"
    return StoredFile(path, status.st_size, etag, datetime.fromtimestamp(status.st_mtime, UTC))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
