"""What can go wrong with the lake."""

from vending_platform.errors import ConfigurationError, Unavailable


class LakeError(ConfigurationError):
    """What was requested of the lake is not possible; the message says what to do."""


class LakeConflict(Unavailable):
    """Other writers changed a table again and again while this one wrote: nothing of it is visible."""


class LakeUnavailable(Unavailable):
    """The catalog or a file of the lake can't be read or written now."""
