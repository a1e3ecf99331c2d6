"""Deliveries without the people in them: staging's, made from production's.

`anonymise` copies files from one place to another. The values of columns that the contracts mark as `personal` become
keyed pseudonyms, and every other byte stays; a file where they can't be located for certain is left out, and reported.
`key_of` finds the key, `key_of_exports` the one of exports with pseudonyms, and `open_target` the place that the files
may go to.
"""

from vending_platform.anonymising.opening import AnonymisingError, key_of, key_of_exports, open_target
from vending_platform.anonymising.running import Anonymised, LeftOut, anonymise
from vending_platform.pseudonyms import Pseudonyms

__all__ = [
    "Anonymised",
    "AnonymisingError",
    "LeftOut",
    "Pseudonyms",
    "anonymise",
    "key_of",
    "key_of_exports",
    "open_target",
]
