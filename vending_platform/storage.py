"""Where files live. A `Place` is one folder or one bucket prefix; `Storage` is the four that an environment has.

`ObjectPlace` is obstore's. A local folder is worked on directly (`LocalPlace`): obstore stops a whole listing at the
first name it can't express (a line break, bytes that are no UTF-8), and one odd file must not hide the others; what a
killed write leaves behind has a name that it then refuses to delete; and it takes six times as long for small files.
"""

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from vending_platform.environment import Places

if TYPE_CHECKING:
    from obstore import ObjectMeta  # has no existence at run time

_CHUNK = 8 * 1024 * 1024
_PARALLEL_READS = 16
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as a listing shows it. `etag` changes whenever the store knows that the content may have changed."""

    path: str
    size: int
    etag: str
    modified_at: datetime


class Unreadable(Exception):
    """A file that was listed can't be read as listed; the message says why. Nothing is known about its content."""


class Place(Protocol):
    """Writing is atomic: a reader sees the old file, or the new one whole."""

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the place (or below the folder `prefix` in it), in no particular order."""

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        """Every file whose path comes behind `after`, in the order of their paths in UTF-8, a thousand at a time."""

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        """Those of these files that are there, as a listing shows them, whatever else there is."""

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, piece by piece. `Unreadable` if it is gone, or is no longer the file that was listed."""

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        """The content of each file, in order; a file that can't be read does not stop the others."""

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None: ...

    def read_path(self, path: str) -> Iterator[bytes]:
        """The bytes of a file that this platform wrote itself; KeyError if there is none."""

    def has(self, path: str) -> bool: ...

    def delete(self, path: str) -> None:
        """Afterwards there is no such file, whether or not there was one."""


@dataclass(frozen=True)
class LocalPlace:
    folder: Path

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        return _walk(self.folder, prefix and prefix.rstrip("/") + "/")

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        behind = sorted((f for f in self.files() if _in_utf8(f.path) > _in_utf8(after)), key=lambda f: _in_utf8(f.path))
        return (behind[start : start + _PAGE] for start in range(0, len(behind), _PAGE))

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        for path in paths:
            if (self.folder / path).is_dir() and not (self.folder / path).is_symlink():
                continue
            try:
                yield _stored(path, _status(self.folder / path))
            except (FileNotFoundError, NotADirectoryError):
                continue

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        try:
            # Without blocking: opening a pipe that lies among the files would otherwise wait for ever.
            descriptor = os.open(f"{self.folder}/{file.path}", os.O_RDONLY | os.O_NONBLOCK)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Unreadable("it is no regular file")
                left = file.size
                while left and (chunk := os.read(descriptor, min(_CHUNK, left))):
                    yield chunk
                    left -= len(chunk)
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise Unreadable("it was deleted while this run was reading") from None
        except OSError as error:
            raise Unreadable(f"it can't be opened: {error}") from error
        if _etag(after) != file.etag:
            raise Unreadable("it was still being written while this run was reading")

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        for file in files:
            yield _attempt(self, file)

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp", delete=False) as aside:
            try:
                aside.writelines([content] if isinstance(content, bytes) else content)
                aside.flush()
                os.fsync(aside.fileno())
                os.replace(aside.name, target)
            except BaseException:
                os.unlink(aside.name)
                raise

    def read_path(self, path: str) -> Iterator[bytes]:
        try:
            with (self.folder / path).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except FileNotFoundError:
            raise KeyError(path) from None

    def has(self, path: str) -> bool:
        return (self.folder / path).is_file()

    def delete(self, path: str) -> None:
        try:
            os.unlink(self.folder / path)
        except FileNotFoundError:
            return


@dataclass(frozen=True)
class ObjectPlace:
    store: ObjectStore

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        for page in obstore.list(self.store, prefix.rstrip("/") or None):
            for entry in page:
                yield _as_listed(entry)

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        for page in obstore.list(self.store, offset=after or None, chunk_size=_PAGE):
            yield [_as_listed(entry) for entry in page]

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            yield from (file for file in pool.map(self._named, paths) if file is not None)

    def _named(self, path: str) -> StoredFile | None:
        try:
            return _as_listed(obstore.head(self.store, path))
        except (FileNotFoundError, NotFoundError):
            return None

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        try:
            result = obstore.get(self.store, file.path)
            yield from (bytes(chunk) for chunk in result.stream(_CHUNK))
        except (FileNotFoundError, NotFoundError):
            raise Unreadable("it was deleted while this run was reading") from None
        except BaseError as error:
            raise Unreadable(f"it can't be opened: {str(error).strip().splitlines()[0]}") from error
        if (result.meta["size"], result.meta["e_tag"] or "") != (file.size, file.etag):
            raise Unreadable("it was still being written while this run was reading")

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            yield from pool.map(lambda file: _attempt(self, file), files)

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        obstore.put(self.store, path, content)

    def read_path(self, path: str) -> Iterator[bytes]:
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
        obstore.delete(self.store, path)


@dataclass(frozen=True)
class Storage:
    """The places of one environment."""

    raw: Place
    processed: Place
    artifacts: Place
    work: Place


def open_storage(places: Places) -> Storage:
    """The four places. The raw one must be there: an absent folder is not the same as an empty one."""
    raw, *others = (open_place(url) for url in (places.raw, places.processed, places.artifacts, places.work))
    if not raw.folder.is_dir():
        raise FileNotFoundError(f"{places.raw} is no folder: that is where deliveries are expected")
    return Storage(raw, *others)


def open_place(url: str) -> LocalPlace:
    """The place at `url`, which today must be a local folder."""
    if "://" in url:
        raise ValueError(f"{url}: only local folders can be opened so far")
    return LocalPlace(Path(url))


def _as_listed(entry: "ObjectMeta") -> StoredFile:
    return StoredFile(entry["path"], entry["size"], entry["e_tag"] or "", entry["last_modified"])


def _attempt(place: Place, file: StoredFile) -> bytes | Unreadable:
    try:
        return b"".join(place.chunks(file))
    except Unreadable as problem:
        return problem


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
            status = _status(entry)
        except FileNotFoundError:
            continue  # renamed or deleted since the folder was opened; under its new name it is listed next time
        yield _stored(path, status)


def _status(entry: os.DirEntry[str] | Path) -> os.stat_result:
    """Of what a link points to; of the link itself, if that is nothing."""
    return entry.stat(follow_symlinks=not entry.is_symlink() or os.path.exists(entry))


def _stored(path: str, status: os.stat_result) -> StoredFile:
    return StoredFile(path, status.st_size, _etag(status), datetime.fromtimestamp(status.st_mtime, UTC))


def _in_utf8(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _etag(status: os.stat_result) -> str:
    """It holds the size, and the time of the last change, which nobody can set: restoring an old time hides nothing."""
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_size:x}"
