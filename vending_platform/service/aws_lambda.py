"""The same application in AWS Lambda, behind an HTTP API: the handler is `vending_platform.service.aws_lambda.handler`.

It is made with the first invocation and kept, as are its clients, for as long as this instance of the function lives:
nothing belongs to a lifespan, which would begin and end with every invocation.
"""

import logging
from functools import cache
from typing import Any

from mangum import Mangum

from vending_platform import environment
from vending_platform.alerts import log_as_json
from vending_platform.service.start import pipeline_app

_STREAM_SECONDS = 15.0
"""A response leaves a function when it is whole, and an HTTP API waits for 30 seconds."""


@cache
def _adapter() -> Mangum:
    log_as_json(logging.getLogger())
    logging.getLogger("mangum").setLevel(logging.WARNING)  # it logs addresses, in which numbers of people may stand
    return Mangum(pipeline_app(environment.load(), stream_seconds=_STREAM_SECONDS), lifespan="off")


def handler(event: Any, context: Any) -> Any:
    return _adapter()(event, context)
