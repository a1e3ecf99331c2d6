"""Every place where an extraction can be interrupted, in the order in which a source comes past them.

Between two neighbours at most one lasting effect happens. Tests kill a real process at each of them and compare the end
with the database.
"""

from collections.abc import Callable
from enum import StrEnum


class ExtractionPoint(StrEnum):
    OPENED = "opened"
    """The snapshot is there."""
    WRITTEN_ASIDE = "written aside"
    """The rows of a source are in a file of this computer, whole."""
    DELIVERED = "delivered"
    """The file is in the raw place, under its name."""
    NOTED = "noted"
    """It is known for the next time what was extracted."""


OnPoint = Callable[[ExtractionPoint], None]
