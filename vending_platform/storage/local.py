"""A folder on a disk.

It is worked on directly, not through obstore: that stops a whole listing at the first name it can't express (a line
break, bytes that are no UTF-8), and one odd file must not hide the others; what a killed write leaves behind has a name
that it then refuses to delete; and it takes six times as long for small files.
"""

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vending_platform.storage.interface import CHUNK, PAGE, StoredFile, Unreadable, read_whole


@dataclass(frozen=True)
class LocalPlace:
    folder: Path

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        for path, entry in self._walked(prefix):
            try:
                status = _status(entry)
            except FileNotFoundError:
                continue  # renamed or deleted since the folder was opened; under its new name it is listed next time
            yield _stored(path, status)

    def paths(self, prefix: str = "") -> Iterator[str]:
        return (path for path, _ in self._walked(prefix))

    def _walked(self, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        return _walk(self.folder, prefix and prefix.rstrip("/") + "/")

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        following = sorted(
            (f for f in self.files() if _in_utf8(f.path) > _in_utf8(after)), key=lambda f: _in_utf8(f.path)
        )
        return (following[start : start + PAGE] for start in range(0, len(following), PAGE))

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
                    raise Unreadable("it is not a regular file")
                remaining = file.size
                while remaining and (chunk := os.read(descriptor, min(CHUNK, remaining))):
                    yield chunk
                    remaining -= len(chunk)
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
            yield read_whole(self, file)

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not `tempfile`, whose files only their owner may read: the umask decides that here, as for the warehouse.
        new_file = target.parent / f".{secrets.token_hex(8)}.tmp"
        with new_file.open("xb") as file:
            try:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
                os.replace(new_file, target)
            except BaseException:
                os.unlink(new_file)
                raise

    def create(self, path: str, content: bytes) -> bool:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new_file = target.parent / f".{secrets.token_hex(8)}.tmp"
        with new_file.open("xb") as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.link(new_file, target)  # unlike opening with O_EXCL it shows the file with all that is in it
            except FileExistsError:
                return False
            finally:
                os.unlink(new_file)
        return True

    def read_path(self, path: str) -> Iterator[bytes]:
        try:
            with (self.folder / path).open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except FileNotFoundError:
            raise KeyError(path) from None

    def read_span(self, path: str, start: int, end: int) -> Iterator[bytes]:
        try:
            with (self.folder / path).open("rb") as file:
                file.seek(start)
                remaining = end - start
                while remaining > 0 and (chunk := file.read(min(CHUNK, remaining))):
                    yield chunk
                    remaining -= len(chunk)
        except FileNotFoundError:
            raise KeyError(path) from None

    def link(self, path: str, seconds: int) -> None:
        return None

    def has(self, path: str) -> bool:
        return (self.folder / path).is_file()

    def delete(self, path: str) -> None:
        try:
            os.unlink(self.folder / path)
        except FileNotFoundError:
            return


def _walk(folder: Path, inside: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files below `folder / inside`; their paths are relative to `folder`, with `/` between the parts."""
    try:
        entries = list(os.scandir(folder / inside))
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder, f"{path}/")
        else:
            yield path, entry


def _status(entry: os.DirEntry[str] | Path) -> os.stat_result:
    """Of what a link points to; of the link itself, if that is nothing."""
    return entry.stat(follow_symlinks=not entry.is_symlink() or os.path.exists(entry))


def _stored(path: str, status: os.stat_result) -> StoredFile:
    return StoredFile(path, status.st_size, _etag(status), datetime.fromtimestamp(status.st_mtime, UTC))


def _in_utf8(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _etag(status: os.stat_result) -> str:
    """It has the size, and the time of the last change, which no program can set: restoring an old time hides
    nothing."""
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_size:x}"
