"""Every place where a look can be interrupted. Between two neighbours at most one lasting effect happens.

The tests throw an exception at each of them and hold the whole to its promise: nothing that arrived is forgotten.
"""

from collections.abc import Callable
from enum import StrEnum


class PollCrashPoint(StrEnum):
    RECEIVED = "received"
    """The messages of the queue are here, hidden from others for a while."""
    BURIED = "buried"
    """The dead-letter queue has one more message; it is still in its own queue too."""
    DELETED = "deleted"
    """The queue has forgotten a few messages that need it no longer."""
    LISTED = "listed"
    """The files of one more run are on record. The run itself is not yet."""


OnStep = Callable[[PollCrashPoint], None]


def ignore(_: PollCrashPoint) -> None:
    """Does nothing."""
