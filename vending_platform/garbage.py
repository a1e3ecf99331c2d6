"""What work that makes objects by the hundred thousand asks of Python's collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_BETWEEN_LOOKS = 100_000


@contextmanager
def own_garbage_only() -> Iterator[None]:
    """The collector looks at what is made from here on alone, and not again and again at all that is there; and it
    looks seldom: nearly all of it stays until the work is done."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
