"""The folder of this computer in which one extraction works at a time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from vending_platform.extraction.interface import Workplace
from vending_platform.file_lock import exclusive


@contextmanager
def emptied_scratch(place: Workplace) -> Iterator[None]:
    """`place.scratch` is there, is empty, and is no other extraction's while the block runs."""
    with exclusive(place.scratch.with_suffix(".lock"), "extraction", place.on_wait):
        shutil.rmtree(place.scratch, ignore_errors=True)  # of an extraction that was killed
        place.scratch.mkdir(parents=True)
        yield
