"""Web APIs: the requests that a contract declares, and their answers as deliveries."""

from functools import partial

from vending_platform.environment import ApiSettings, AwsTarget
from vending_platform.extraction.interface import ExtractionError, Extractor


def extractor(name: str, settings: ApiSettings, aws: AwsTarget | None) -> Extractor:
    """Of the API of this name. The library is imported when it is used, and not with the platform."""
    try:
        from vending_platform.extraction.web.running import extract_api
    except ModuleNotFoundError as missing:
        if missing.name != "httpx2":
            raise
        raise ExtractionError(
            "httpx2 is not installed, which makes requests to web APIs: pip install 'vending-platform[apis]'"
        ) from None
    return partial(extract_api, name, settings, aws)
