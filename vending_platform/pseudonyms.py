"""A pseudonym in the place of a person's name: the same for the same person everywhere, and useless without the key."""

import base64
import hashlib
import hmac
import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pydantic import SecretStr

_PREFIX = "Person-"
_BYTES = 10  # 80 bits: among a million people two share a pseudonym with a chance of 1 in 10 ** 12
SHORTEST_KEY = 32
CHARACTERS = frozenset(_PREFIX + string.ascii_uppercase + "234567")
"""The characters of pseudonyms: ASCII, the same bytes in every encoding."""
GAPS = "[\\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]*"
"""What can be anywhere in a name without making it another one: blanks and invisible characters."""
_GAPS = re.compile(GAPS)


def fold(text: str) -> str:
    """The text in one form: full and half width, upper and lower case become the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def without_gaps(text: str) -> str:
    return _GAPS.sub("", text)


@lru_cache(maxsize=1 << 16)
def normalize(value: str) -> str:
    """Equal for two spellings of the same person; empty for a blank."""
    return without_gaps(fold(value))


@dataclass(frozen=True)
class Pseudonyms:
    """Printing this does not show `key`. ValueError if the key is too short."""

    key: SecretStr

    def __post_init__(self) -> None:
        if len(self._bytes) < SHORTEST_KEY:
            raise ValueError(f"the key has less than {SHORTEST_KEY} characters, so it could be guessed")

    def of(self, value: str) -> str:
        """The pseudonym of the person of this name or number; `value` must not be blank."""
        digest = hmac.digest(self._bytes, normalize(value).encode(), hashlib.sha256)
        return _PREFIX + base64.b32encode(digest[:_BYTES]).decode()

    @property
    def _bytes(self) -> bytes:
        return self.key.get_secret_value().strip().encode()
