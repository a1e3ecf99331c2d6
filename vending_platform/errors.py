"""The one family of errors that a person is shown: one clear sentence that says what is wrong and what to do.

The caller of an operation catches `EXPECTED` and shows the message; any other exception is a fault of the platform.
"""

from typing import ClassVar


class PlatformError(Exception):
    """The message is one sentence: what is wrong, and what to do about it."""

    is_transient: ClassVar[bool] = False
    """Whether the same work may succeed later although no one changes anything: then it is retried."""


class ConfigurationError(PlatformError):
    """What a person wrote (settings, contracts, code, a question) can't be used as it stands."""


class NotAllowed(PlatformError):
    """It could be done, and must not be until a person decides otherwise."""


class Unavailable(PlatformError):
    """Something outside this process (a store, a warehouse, a service) did not do what was requested of it."""

    is_transient = True


EXPECTED = (PlatformError, OSError)
"""What can go wrong without a fault of the platform. An OSError is the disk's or the network's own sentence."""


def is_transient(error: BaseException) -> bool:
    """Whether a retry may succeed."""
    return error.is_transient if isinstance(error, PlatformError) else isinstance(error, OSError)
