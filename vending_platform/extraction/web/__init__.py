"""Web APIs: the requests that a contract declares, and their answers as deliveries."""

from collections.abc import Callable
from functools import partial

from vending_platform.connections import ServiceConnection
from vending_platform.environment import ApiSettings, AwsTarget
from vending_platform.extraction.interface import ExtractionError, Extractor
from vending_platform.storage import Place

OpenConnection = Callable[[Place], ServiceConnection]
"""Of a service that a person connects; its work is at the place."""


def extractor(
    name: str, settings: ApiSettings, aws: AwsTarget | None, connection: OpenConnection | None = None
) -> Extractor:
    """Of the API of this name. The library is imported when it is used, and not with the platform."""
    try:
        from vending_platform.extraction.web.running import extract_api
    except ModuleNotFoundError as missing:
        if missing.name != "httpx2":
            raise
        raise ExtractionError(
            "httpx2 is not installed, which makes requests to web APIs: pip install 'vending-platform[apis]'"
        ) from None
    return partial(extract_api, name, settings, aws, connection=connection)
