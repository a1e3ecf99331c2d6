"""Connections to services behind OAuth 2: a person connects one in the browser, and extractions use it from then on.

`open_connection` gives one of an environment. `access_token` gives a token that is valid for now; `auth.ConnectionAuth`
puts it on the requests of an HTTP client. Tokens are in the store (a file with mode 600, or AWS Secrets Manager), on
their way to the service, and nowhere else. What happens when, and what can't be promised: docs/connections.md.
"""

from vending_platform.connections.connection import ConnectionBusy, ServiceConnection, why_ended
from vending_platform.connections.consent import BegunConsent, ConsentFailed, begin, finish
from vending_platform.connections.model import ConsentEnd, Grant, NotConnected, TokenPair
from vending_platform.connections.opening import (
    PAGE,
    connection_finder,
    open_connection,
    open_connections,
    page_of,
)
from vending_platform.connections.provider import ProviderRefused, ProviderUnavailable

__all__ = [
    "PAGE",
    "BegunConsent",
    "ConnectionBusy",
    "ConsentEnd",
    "ConsentFailed",
    "Grant",
    "NotConnected",
    "ProviderRefused",
    "ProviderUnavailable",
    "ServiceConnection",
    "TokenPair",
    "begin",
    "connection_finder",
    "finish",
    "open_connection",
    "open_connections",
    "page_of",
    "why_ended",
]
