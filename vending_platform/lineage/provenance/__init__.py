"""From a number back to the files that it comes from.

`trace` takes a model and values of its rows, and names every raw file that they rest on; with rows, also
the lines. It reads only. What the answer promises and what it can't is in docs/exports.md.
"""

from vending_platform.lineage.provenance.query import NothingToTrace, WrongQuestion
from vending_platform.lineage.provenance.resolve import trace
from vending_platform.lineage.provenance.trace import Line, Trace, TracedFile

__all__ = ["Line", "NothingToTrace", "Trace", "TracedFile", "WrongQuestion", "trace"]
