"""Deliveries without the people in them: staging's, made from production's.

`anonymise` copies files from one place to another. The values of columns that the contracts mark as `personal` become
keyed pseudonyms, every other byte stays; a file of which that can't be told beyond doubt is left out, and told.
`key_of` and `open_target` say where the key comes from and where the files may go.
"""

from vending_platform.anonymising.opening import AnonymisingError, key_of, open_target
from vending_platform.anonymising.pseudonyms import Pseudonyms
from vending_platform.anonymising.running import Anonymised, LeftOut, anonymise

__all__ = [
    "Anonymised",
    "AnonymisingError",
    "LeftOut",
    "Pseudonyms",
    "anonymise",
    "key_of",
    "open_target",
]
