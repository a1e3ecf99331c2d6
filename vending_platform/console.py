"""A terminal that shows what it is given as it is: names of files and folders come from anywhere.

rich reads `[b]` in a text as markup, and passes on escape codes, with which a file's name could paint over the screen.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class PlainConsole(Console):
    """Texts are no markup, and of control characters only line breaks mean something."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if not segment.control and not segment.text.isprintable():
                segment = Segment("\n".join(map(harmless, segment.text.split("\n"))), segment.style)
            yield segment


def harmless(text: str) -> str:
    """The text with every control character as an escape that a person can read, in one line."""
    return "".join(letter.encode("unicode_escape").decode("ascii") if _controls(letter) else letter for letter in text)


def _controls(letter: str) -> bool:
    """Control characters, separators of lines, halves of surrogates, and what turns the direction of writing."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") or letter in _DIRECTIONS
