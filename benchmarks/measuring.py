"""How figures are taken."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.table import Row

PAIRS = 5
Result = TypeVar("Result")


def timed(run: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], limit: float) -> Row:
    """The median of the pairs, which were measured in turn."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    middle = statistics.median(ratios)
    seconds = f"{statistics.median(ours):.2f} s / {statistics.median(theirs):.2f} s"
    return Row(
        what, f"{middle:.2f} ×  (from {min(ratios):.2f} to {max(ratios):.2f}; {seconds})", f"{limit} ×", middle <= limit
    )


def memory_of(what: str, kibibytes: int, limit: int) -> Row:
    """The greatest memory that a process has had; the limit in MiB."""
    return Row(what, f"{kibibytes / 1024:.0f} MB", f"{limit} MB", kibibytes < limit * 1024)
