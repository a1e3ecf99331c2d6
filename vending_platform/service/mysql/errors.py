"""What can go wrong between an API and its database, by what is to be done about it."""

from enum import StrEnum

from vending_platform.errors import ConfigurationError, PlatformError, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database did not do in time what was requested; it may later."""


class DatabaseRefused(ConfigurationError):
    """The database can't be used as it is set up; the message says what is missing."""


class DuplicateRow(PlatformError):
    """A row of this key is there already."""


class DatabaseFault(StrEnum):
    """Why a statement failed."""

    LOST = "lost"
    """The connection is gone; whether a commit was done is not known."""
    COLLISION = "collision"
    """The database chose this transaction to give way to another one: it can be done again."""
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """The user, the tables or the settings are not as they have to be."""
    OTHER = "other"


_COLLISIONS = {1205, 1213, 3572}
"""Lock wait timeout, deadlock, no wait."""
_LOST = {
    *(1040, 1203, 1226),  # too many connections
    *(1053, 1077, 1079, 1080, 1317, 1927, 1969, 3024, 3058, 4031),  # it shuts down, or a connection or query was ended
    *(1290, 1792, 1836),  # a server that only reads since a failover: a new connection finds the new writer
    *(2002, 2003, 2006, 2013, 2014, 2055),
}
_REFUSED = {1044, 1045, 1049, 1054, 1142, 1143, 1146, 1227, 1698}
_DUPLICATE = 1062


def fault_of(error: BaseException) -> DatabaseFault:
    """Of an error of asyncmy or of the network below it."""
    from asyncmy.errors import InternalError, MySQLError

    if isinstance(error, MySQLError):
        number = error.args[0] if error.args else None
        if number in _COLLISIONS:
            return DatabaseFault.COLLISION
        if number == _DUPLICATE:
            return DatabaseFault.DUPLICATE
        if number in _REFUSED:
            return DatabaseFault.REFUSED
        # An InternalError is a protocol that is out of step, as after a half answer.
        return DatabaseFault.LOST if number in _LOST or isinstance(error, InternalError) else DatabaseFault.OTHER
    return DatabaseFault.LOST if isinstance(error, (OSError, EOFError)) else DatabaseFault.OTHER
