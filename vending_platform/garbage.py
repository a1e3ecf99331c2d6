"""How often Python's garbage collector runs while work makes objects by the hundred thousand.

Measured with 40 days of 4,000 files: without this, loading takes 13 % more CPU, building and exporting 5 % more.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
_guard = Lock()
_found: list[tuple[int, int, int]] = []
"""An entry for each work under way, in any thread: the thresholds that it found. The first has found the usual ones."""


@contextmanager
def own_garbage_only() -> Iterator[None]:
    """The collector examines only what is made from here on, and not again and again all that is there; and it runs
    seldom: nearly all of it stays until the work is done."""
    with _guard:
        _found.append(gc.get_threshold())
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *_found[0][1:])
    try:
        yield
    finally:
        with _guard:
            found = _found.pop()
            if not _found:
                gc.set_threshold(*found)
                gc.unfreeze()
