"""The log of a Lambda function: each line once, and as JSON."""

import logging

from vending_platform.alerts import log_as_json

_RUNTIME = "awslambdaric"


def log_in_function() -> None:
    """The runtime has put a handler of its own on the root logger, which would write every line a second time."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__.partition(".")[0] == _RUNTIME:
            root.removeHandler(handler)
    log_as_json(root)
    logging.getLogger("mangum").setLevel(logging.WARNING)  # it logs addresses, in which numbers of people may stand
