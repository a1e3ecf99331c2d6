"""The bytes of one delivered file: in memory while it is small, in a scratch file when it is not."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SMALL = 24 * 1024 * 1024
"""Up to this size a file is read whole; this also bounds how much of many small files is in memory at once."""
_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class FileContent:
    """Bytes that no longer change, with their hash; `data` or else `path` holds them."""

    size: int
    sha256: str
    data: bytes | None = None
    path: Path | None = None

    def chunks(self) -> Iterator[bytes]:
        if self.data is not None:
            yield self.data
            return
        assert self.path is not None
        yield from chunks_of(self.path)

    def cut(self, offset: int, length: int) -> bytes:
        if self.data is not None:
            return self.data[offset : offset + length]
        assert self.path is not None
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def content_of(data: bytes) -> FileContent:
    return FileContent(len(data), hashlib.sha256(data).hexdigest(), data=data)


def hash_of(chunks: Iterable[bytes]) -> tuple[int, str]:
    """The size of these bytes, and their hash."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def spool(chunks: Iterable[bytes], scratch: Path) -> FileContent:
    """Copy a large file to `scratch` while hashing it, so that every later pass sees the bytes that were hashed."""
    scratch.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".spooled", delete=False) as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        size = file.tell()
    return FileContent(size, digest.hexdigest(), path=Path(file.name))
