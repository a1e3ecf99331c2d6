"""The shop in AWS Lambda, behind an HTTP API: the handler is `vending_platform.service.shop.aws_lambda.handler`.

It is made with the first invocation and kept, with the pool of its database, for as long as this instance of the
function lives. An instance serves one request at a time, so its pool holds one connection, and RDS Proxy shares those
of the database among all instances.
"""

import logging
from functools import cache
from typing import Any

from mangum import Mangum

from vending_platform import environment
from vending_platform.alerts import log_as_json
from vending_platform.service.shop.start import shop_app


@cache
def _adapter() -> Mangum:
    log_as_json(logging.getLogger())
    logging.getLogger("mangum").setLevel(logging.WARNING)  # it logs addresses, in which numbers of people may stand
    return Mangum(shop_app(environment.load()), lifespan="off")


def handler(event: Any, context: Any) -> Any:
    return _adapter()(event, context)
