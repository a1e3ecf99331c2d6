"""Which encoding a file is written in: decided for the whole file, strictly, before any of it is parsed."""

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from vending_platform.catalog import Encoding
from vending_platform.ingestion.reading.content import FileContent
from vending_platform.ingestion.reading.problems import FileProblem

BOM = codecs.BOM_UTF8
_TELLING = 1 << 20
"""Bytes that tell what a file looks like."""
_CODECS = {Encoding.UTF_8: "utf-8", Encoding.CP932: "cp932"}
_AS_UTF8 = re.compile(
    rb"(?P<whole>[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
    rb"|(?P<pair>[\xc2-\xdf][\x80-\xbf])"
    rb"|(?P<cut>[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2}|[\xe0-\xf4](?=[\x00-\x3f]|\Z))"
    rb"|(?P<foreign>[\x80-\xff])"
)
# Python's codec gives these for the single bytes 80, A0, FD, FE and FF, to which CP932 assigns nothing.
_NOT_IN_CP932 = ("\x80", "\uf8f0", "\uf8f1", "\uf8f2", "\uf8f3")


def encoding_of(content: FileContent, allowed: Sequence[Encoding]) -> Encoding:
    """The first allowed encoding in which every byte of the file has a meaning.

    UTF-8, whole or broken, often decodes "successfully" as CP932, into other characters. So what looks like UTF-8 is
    never taken for CP932: in doubt the file goes to quarantine.
    """
    if content.data is not None and content.data.isascii():
        return allowed[0]
    head = next(content.chunks(), b"")[:4]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileProblem(f"it is written in UTF-16; allowed: {', '.join(allowed)}")
    failures = []
    for encoding in allowed:
        failure = _first_failure(content, encoding)
        if failure is None and encoding is Encoding.CP932 and (head.startswith(BOM) or _looks_like_utf8(content)):
            failure = "it looks like UTF-8"
        if failure is None:
            return encoding
        failures.append(f"{encoding}: {failure}")
    raise FileProblem(f"its text can't be decoded ({'; '.join(failures)})")


def decode(line: bytes, encoding: Encoding) -> str:
    return line.decode(_CODECS[encoding])


def _first_failure(content: FileContent, encoding: Encoding) -> str | None:
    """What can't be read in this encoding, and in which line; None if all of it can."""
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])("strict")
    line = 1
    for chunk in chain(content.chunks(), [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            return f"byte 0x{error.object[error.start]:02X} in line {line}"
        if encoding is Encoding.CP932 and (found := [text.find(letter) for letter in _NOT_IN_CP932 if letter in text]):
            return f"a byte without meaning in line {line + text.count(chr(10), 0, min(found))}"
        line += chunk.count(b"\n")
    return None


def _looks_like_utf8(content: FileContent) -> bool:
    """Whether the bytes beyond ASCII are Japanese in UTF-8, but for a character here and there that was cut.

    Two-byte characters say nothing: half-width katakana of CP932 look like them. Nor does one byte alone.
    """
    beginning = bytearray()
    for chunk in content.chunks():  # as much, however it is read, so that a file is judged alike
        beginning += chunk
        if len(beginning) >= _TELLING:
            break
    del beginning[_TELLING:]
    if _can_not_be_utf8(beginning):
        return False
    found = Counter(match.lastgroup for match in _AS_UTF8.finditer(beginning))
    return found["whole"] + found["cut"] > found["foreign"]


def _can_not_be_utf8(beginning: bytearray) -> bool:
    """Whether counting the bytes is enough, a hundred times as fast as looking at each of them: there are more foreign
    ones, even if every byte that can begin a character of UTF-8 does, and takes as many others with it as can be."""
    counts = np.bincount(np.frombuffer(beginning, np.uint8), minlength=256)
    begin_long, begin_pair = int(counts[0xE0:0xF5].sum()), int(counts[0xC2:0xE0].sum())
    foreign_at_least = int(counts[0x80:].sum()) - 4 * begin_long - 2 * begin_pair
    return foreign_at_least >= begin_long
