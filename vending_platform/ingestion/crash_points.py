"""Every place where ingestion can be interrupted, in the order in which a run comes past them.

Between two neighbours at most one lasting effect happens (a file written, a transaction committed, a file deleted);
the crash tests kill a real process at each of them and hold the pipeline to both promises.
"""

from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    PREPARED = "prepared"
    """The platform's own tables exist."""
    LISTED = "listed"
    """It is known which files there are."""
    PLANNED = "planned"
    """It is known which of them have to be read."""
    READ = "read"
    """The bytes of a batch are here, and which of its files can be parsed."""
    VALIDATED = "validated"
    """The rows of the batch are typed; those that can't be are set apart."""
    KEPT = "kept"
    """The bytes of one more file that was not wholly accepted are in quarantine."""
    ANNOUNCED = "announced"
    """The status file counts as outdated."""
    BEGUN = "begun"
    DELETED = "deleted"
    INSERTED = "inserted"
    COMMITTED = "committed"
    """The batch is in the warehouse, whole."""
    SHOWN = "shown"
    """The status file shows it."""
    SWEPT = "swept"
    """One more thing that is no longer needed is gone."""


OnStep = Callable[[CrashPoint], None]
