"""A delivered file, as the store and its name describe it: what is compared with the ledger."""

from typing import NamedTuple

from vending_platform.catalog import NameParts, Source
from vending_platform.storage import StoredFile


class Delivered(NamedTuple):
    """A file that a contract takes. What is no longer `is_there` can only be read again from its kept bytes."""

    source: Source
    file: StoredFile
    parts: NameParts
    is_there: bool = True
