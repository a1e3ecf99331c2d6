"""A terminal that shows what it is given as it is: names of files and folders come from anywhere.

rich reads `[b]` in a text as markup, and passes on escape codes, with which a file's name could paint over the screen.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_LINE_BREAKS = "\n"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class PlainConsole(Console):
    """Texts are no markup, and of control characters only line breaks mean something."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_plain = segment.control or segment.text.isprintable() or segment.text == _LINE_BREAKS
            yield segment if is_plain else Segment(harmless(segment.text), segment.style)


def harmless(text: str) -> str:
    """The text with every control character but line breaks as an escape that a person can read."""
    return "".join(
        letter if letter.isprintable() or letter in _LINE_BREAKS or not _controls(letter) else _escape(letter)
        for letter in text
    )


def _controls(letter: str) -> bool:
    """Control characters, separators of lines, halves of surrogates, and what turns the direction of writing."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") or letter in _DIRECTIONS


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
