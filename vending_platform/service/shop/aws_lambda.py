"""The shop in AWS Lambda, behind an HTTP API: the handler is `vending_platform.service.shop.aws_lambda.handler`.

It is made with the first invocation and kept, with the pool of its database, for as long as this instance of the
function lives. An instance serves one request at a time, so its pool holds one connection, and RDS Proxy shares those
of the database among all instances.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from mangum import Mangum

from vending_platform import environment
from vending_platform.service.function_log import log_in_function
from vending_platform.service.shop.due import DueDone, do_due
from vending_platform.service.shop.start import SHOP, shop_app, shop_settings

DUE = {"do": "due"}
"""The event of a schedule; no request of the HTTP API looks so."""
_log = logging.getLogger(__name__)


@cache
def _adapter() -> Mangum:
    return Mangum(shop_app(environment.load()), lifespan="off")


_logging = cache(log_in_function)


def handler(event: Any, context: Any) -> Any:
    _logging()
    return _do_due() if event == DUE else _adapter()(event, context)


def _do_due() -> dict[str, int]:
    """In a thread, whose loop is not the one that serves requests."""
    settings = environment.load()
    with ThreadPoolExecutor(1) as thread:
        done: DueDone = thread.submit(do_due, SHOP, shop_settings(settings), settings.aws).result()
    for problem in done.problems:
        _log.warning("%s", problem)
    return {"placed": len(done.placed), "problems": len(done.problems)}
