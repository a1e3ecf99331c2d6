"""Finds names and numbers of people where no contract declares them: in a text column that is not personal, in a
path."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vending_platform.catalog import Encoding
from vending_platform.ingestion.reading import FileContent
from vending_platform.pseudonyms import GAPS, fold, normalize, without_gaps

_LONGEST = 40
"""Only the beginning of a longer value is searched for: where the whole value is, its beginning is too."""
_UNAMBIGUOUS = 8
"""Shorter ones of ASCII are searched for as words: the number S001 is not in P-S0012."""
_WORD = "[0-9a-z]"


@dataclass(frozen=True)
class People:
    """The people in personal columns, each with the column."""

    origins: dict[str, str] = field(default_factory=dict)
    too_short: set[str] = field(default_factory=set)

    def add(self, value: str, origin: str) -> None:
        name = normalize(value)
        if not name:
            return
        if _is_distinctive(name):
            self.origins.setdefault(name[:_LONGEST], origin)
        else:
            self.too_short.add(name)

    def search(self) -> "Search":
        return Search(dict(self.origins))


@dataclass(frozen=True)
class Search:
    """For all people at once, in every spelling. `origins` has the column of each of them."""

    origins: dict[str, str]

    def in_text(self, text: str) -> tuple[int, str] | None:
        """The line with a person, and the column that this person is from; None if there is no person."""
        text = fold(text)
        for pattern in self._patterns:
            if found := pattern.search(text):
                return text.count("\n", 0, found.start()) + 1, self.origins[without_gaps(found[0])]
        return None

    def in_content(self, content: FileContent, encoding: Encoding) -> tuple[int, str] | None:
        before = 0
        for text in _whole_lines(content, encoding):
            if found := self.in_text(text):
                return before + found[0], found[1]
            before += text.count("\n")
        return None

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        words = {name for name in self.origins if name.isascii() and len(name) < _UNAMBIGUOUS}
        kinds = ((words, True), (self.origins.keys() - words, False))
        return [re.compile(_expression(names, as_words=as_words)) for names, as_words in kinds if names]


def _is_distinctive(name: str) -> bool:
    """Whether finding it means that a person is named, unlike `1001`, `S1` or `林`, which occur in other meanings
    too."""
    if not name.isascii():
        return len(name) >= 2
    return len(name) >= (10 if name.isdigit() else 4)


def _whole_lines(content: FileContent, encoding: Encoding) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest = ""
    for chunk in content.chunks():
        whole, line_end, rest = (rest + decoder.decode(chunk)).rpartition("\n")
        yield whole + line_end
    yield rest


def _expression(names: Iterable[str], *, as_words: bool) -> str:
    """A pattern that finds any of the names. Names with the same beginning share it, so that a thousand of them are
    found as fast as a few."""
    tree: dict[str, Any] = {}
    for name in names:
        node = tree
        for character in name:
            node = node.setdefault(character, {})
        node[""] = {}
    # Every branch begins with a character of its own: then the search skips to the next one of them.
    branches = (
        re.escape(first)
        + (f"(?<!{_WORD}{re.escape(first)})" if as_words and re.fullmatch(_WORD, first) else "")
        + _rest(node, as_words)
        for first, node in sorted(tree.items())
    )
    return "|".join(branches)


def _rest(node: dict[str, Any], as_words: bool) -> str:
    """The pattern of what follows the characters that lead to this node."""
    if "" in node and not as_words:
        return ""  # every longer name begins with this one
    ends = [f"(?!{_WORD})"] if "" in node else []
    goes_on = [GAPS + re.escape(character) + _rest(after, as_words) for character, after in node.items() if character]
    branches = ends + goes_on
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
