"""Which encoding a file is written in: decided for the whole file, strictly, before any of it is parsed."""

import codecs
import re
from collections.abc import Sequence
from itertools import chain

from vending_platform.catalog import Encoding
from vending_platform.ingestion.reading.content import Content
from vending_platform.ingestion.reading.problems import FileProblem

BOM = codecs.BOM_UTF8
_CODECS = {Encoding.UTF_8: "utf-8", Encoding.CP932: "cp932"}
_JAPANESE_IN_UTF8 = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
# Python's codec gives these for the single bytes 80, A0, FD, FE and FF, to which CP932 assigns nothing.
_NOT_IN_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")


def encoding_of(content: Content, allowed: Sequence[Encoding]) -> Encoding:
    """The first allowed encoding in which every byte of the file has a meaning.

    A broken UTF-8 file often decodes "successfully" as CP932, into other characters. So a file that is UTF-8 for the
    most part is never tried as anything else.
    """
    head = next(content.chunks(), b"")[:4]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileProblem(f"it is written in UTF-16; allowed: {', '.join(allowed)}")
    has_bom = head.startswith(BOM)
    failures = []
    for encoding in allowed:
        if has_bom and encoding is not Encoding.UTF_8:
            continue
        failure = _first_failure(content, encoding)
        if failure is None:
            return encoding
        failures.append(f"{encoding}: {failure}")
        if encoding is Encoding.UTF_8 and _is_mostly_utf8(content):
            break
    if not failures:
        raise FileProblem(f"it starts with a UTF-8 mark, but the contract allows only: {', '.join(allowed)}")
    raise FileProblem(f"its text can't be decoded ({'; '.join(failures)})")


def decode(line: bytes, encoding: Encoding) -> str:
    return line.decode(_CODECS[encoding])


def _first_failure(content: Content, encoding: Encoding) -> str | None:
    """What can't be read in this encoding, and in which line; None if all of it can."""
    if content.data is not None and content.data.isascii():
        return None
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])("strict")
    line = 1
    for chunk in chain(content.chunks(), [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            return f"byte 0x{error.object[error.start]:02X} in line {line}"
        if encoding is Encoding.CP932 and (found := _NOT_IN_CP932.search(text)):
            return f"a byte without meaning in line {line + text.count(chr(10), 0, found.start())}"
        line += chunk.count(b"\n")
    return None


def _is_mostly_utf8(content: Content) -> bool:
    """Whether a file that is no UTF-8 was probably meant to be: its Japanese is, but for a byte here and there.

    Pairs don't count: half-width katakana of CP932 often look like two-byte characters of UTF-8.
    """
    whole = broken = 0
    for chunk in content.chunks():
        found = _JAPANESE_IN_UTF8.findall(chunk)
        whole += len(found)
        broken += len(_HIGH_BYTE.findall(chunk)) - sum(map(len, found))
    return whole > 0 and whole >= broken
