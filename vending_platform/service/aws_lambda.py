"""The same application in AWS Lambda, behind an HTTP API: the handler is `vending_platform.service.aws_lambda.handler`.

It is made with the first invocation and kept, as are its clients, for as long as this instance of the function lives:
nothing belongs to a lifespan, which would begin and end with every invocation.
"""

from functools import cache
from typing import Any

from mangum import Mangum

from vending_platform import environment
from vending_platform.service.function_log import log_in_function
from vending_platform.service.start import pipeline_app

_STREAM_SECONDS = 15.0
"""A response leaves a function when it is whole, and an HTTP API waits for 30 seconds."""


@cache
def _adapter() -> Mangum:
    log_in_function()
    return Mangum(pipeline_app(environment.load(), stream_seconds=_STREAM_SECONDS), lifespan="off")


def handler(event: Any, context: Any) -> Any:
    return _adapter()(event, context)
