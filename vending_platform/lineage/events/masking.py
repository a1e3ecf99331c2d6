"""Messages of errors without the values that they quote: an event may go to people who may not see the data."""

import re
from collections.abc import Set

from vending_platform.alerts import one_line

MASK = "•••"
_QUOTED = re.compile(r"(?<!\w)'((?:[^']|''|(?<=\w)'(?=\w))*)'(?!\w)|\"((?:[^\"]|\"\")*)\"|`([^`]*)`")
_UNCLOSED = re.compile(r"(?<!\w)'(?=\w)(?![^']*'(?!\w)).*")
_FOREIGN = re.compile(r"[^\x00-\x7f…•—–’‘“”→×〓]+")
_USER = re.compile(r"(?<=://)[^\s/@]+@")
_PARAMETERS = re.compile(r"(?<=\S)\?[^\s=]+=\S*")
"""An address can have a password, or a key."""
_ANSWERED = re.compile(r"(?<= answered \d{3} \().*")
"""A service says in its own words, without quotes and maybe cut off, what it has against a request."""
_NUMBER = re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d(?!\d))\+?\d[\d-]{4,}\d(?!\w)")
"""Of a person, a phone, an account; a day is none of them."""


def masked_message(text: str, known: Set[str]) -> str:
    """On one line. Of what is quoted only names stay that the project itself has, as in `known`; letters beyond ASCII,
    as people's names here are written in, long numbers, and users and parameters of addresses do not stay."""

    def kept(found: re.Match[str]) -> str:
        quoted = next(part for part in found.groups() if part is not None)
        words = re.split(r"[.\s]+", quoted.replace('"', "").strip())
        return found[0] if all(word.lower() in known for word in words) else found[0][0] + MASK + found[0][0]

    line = _QUOTED.sub(kept, one_line(text.strip().splitlines()[0] if text.strip() else ""))
    line = _UNCLOSED.sub(MASK, line)
    line = _PARAMETERS.sub(f"?{MASK}", _USER.sub(f"{MASK}@", line))
    line = _ANSWERED.sub(f"{MASK})", line)
    return _NUMBER.sub(MASK, _FOREIGN.sub(MASK, line))
