"""Compressed files, unpacked as a stream: what follows sees the bytes that were packed, in memory if they are few."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from vending_platform.ingestion.reading.content import SMALL, FileContent, content_of, spool
from vending_platform.ingestion.reading.problems import FileProblem

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How such a file begins, and no text does, in any encoding that a contract can name."""
_CHUNK = 4 * 1024 * 1024


def unpacked(content: FileContent, scratch: Path) -> FileContent:
    """The content as it is, or, if it is gzip or zstd, what is in it: in a new file in `scratch` if it is large, which
    is the caller's to remove."""
    kind = _kind(content)
    if kind is None:
        return content
    chunks = _chunks(content, kind)
    begun = bytearray()
    for chunk in chunks:
        begun += chunk
        if len(begun) > SMALL:
            return spool(_all(bytes(begun), chunks), scratch)
    return content_of(bytes(begun))


def is_compressed(content: FileContent) -> bool:
    return _kind(content) is not None


def _kind(content: FileContent) -> str | None:
    head = content.cut(0, len(_ZSTD))
    return "gzip" if head.startswith(_GZIP) else "zstd" if head == _ZSTD else None


def _all(begun: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield begun
    yield from rest


def _chunks(content: FileContent, kind: str) -> Iterator[bytes]:
    source = io.BytesIO(content.data) if content.data is not None else _opened(content).open("rb")
    try:
        with source, _stream(source, kind) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise FileProblem(f"it is damaged, or was cut off: it can't be unpacked as {kind} ({error})") from None


def _opened(content: FileContent) -> Path:
    assert content.path is not None
    return content.path


def _stream(source: io.BufferedIOBase, kind: str) -> "gzip.GzipFile | pa.CompressedInputStream":
    if kind == "gzip":
        return gzip.GzipFile(fileobj=source)
    return pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")
