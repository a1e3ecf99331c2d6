"""Which field of a row belongs to which column: what a file's header says, held against the contract."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from vending_platform.catalog import Source
from vending_platform.ingestion.reading.problems import FileProblem, shortened

MOST_UNKNOWN = 1_000
"""Columns that no contract names and that are kept all the same; with more it is another kind of file."""

_DELIMITERS = {"','": ",", "';'": ";", "tab": "\t", "'|'": "|", "':'": ":"}


@dataclass(frozen=True)
class Layout:
    """`positions[i]` is the field of the contract's i-th column, or None where the file lacks that column."""

    width: int
    positions: tuple[int | None, ...]
    extra: tuple[tuple[int, str], ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def drift(self) -> str | None:
        """How the file differs from its contract although it can be used; None if it does not."""
        said = []
        if self.extra:
            said.append(f"unknown columns kept in _extra: {', '.join(header for _, header in self.extra)}")
        if self.missing:
            said.append(f"columns missing, left empty: {', '.join(self.missing)}")
        return shortened("; ".join(said)) or None


def expected_layout(source: Source) -> Layout:
    """The layout of a file whose header is exactly what the contract says, in its order."""
    return _in_order(len(source.columns))


@cache
def _in_order(width: int) -> Layout:
    return Layout(width, tuple(range(width)))


def layout_of(header: Sequence[str], source: Source) -> Layout:
    """The layout that a header gives; `FileProblem` where the contract can't take it."""
    headers = [text.strip() for text in header]
    wanted = [column.text_in_header for column in source.columns]
    if len(headers) > len(wanted) + MOST_UNKNOWN:
        raise FileProblem(f"its header has {len(headers):,} columns, and the contract names {len(wanted)}")
    for text, count in Counter(headers).items():
        if count > 1:
            raise FileProblem(f"its header has the column {text!r} twice")
    place = {text: at for at, text in enumerate(headers)}
    absent = [column for column in source.columns if column.text_in_header not in place]
    refused = [c.text_in_header for c in absent if c.required or source.files.missing_columns == "refuse"]
    if refused:
        hint = _other_delimiter(header, source)
        raise FileProblem(f"its header lacks {_listed(refused)}{hint}; it has: {', '.join(headers)}")
    known = set(wanted)
    extra = tuple((at, text) for text, at in place.items() if text not in known)
    if extra and source.files.unknown_columns == "refuse":
        raise FileProblem(f"its header has columns that the contract refuses: {_listed([text for _, text in extra])}")
    return Layout(
        width=len(headers),
        positions=tuple(place.get(text) for text in wanted),
        extra=extra,
        missing=tuple(column.name for column in absent),
    )


def _other_delimiter(header: Sequence[str], source: Source) -> str:
    """A hint where the header would be right if something else separated its columns."""
    line = source.files.delimiter.join(header)
    required = {column.text_in_header for column in source.columns if column.required}
    for word, delimiter in _DELIMITERS.items():
        if delimiter != source.files.delimiter and required <= {text.strip(' "') for text in line.split(delimiter)}:
            return f", and would have them if {word} separated its columns (`delimiter: {word}` in the contract)"
    return ""


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(repr(text) for text in headers)
