"""What work that makes objects by the hundred thousand asks of Python's collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_OBJECTS_BETWEEN_LOOKS = 100_000
_guard = Lock()
_usual: list[tuple[int, int, int]] = []
"""Of each work that is under way, in any thread, the collector's thresholds before the first of them."""


@contextmanager
def own_garbage_only() -> Iterator[None]:
    """The collector looks at what is made from here on alone, and not again and again at all that is there; and it
    looks seldom: nearly all of it stays until the work is done."""
    with _guard:
        _usual.append(_usual[0] if _usual else gc.get_threshold())
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, *_usual[0][1:])
    try:
        yield
    finally:
        with _guard:
            usual = _usual.pop()
            if not _usual:
                gc.set_threshold(*usual)
                gc.unfreeze()
