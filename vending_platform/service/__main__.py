"""The process that serves an application, for `vending serve` and the container: `python -m vending_platform.service`,
with `shop` for the shop's."""

import argparse
import logging
import signal
import sys
from contextlib import ExitStack
from typing import NoReturn

from vending_platform import environment
from vending_platform.alerts import log_as_json
from vending_platform.environment import Environment, SettingsError
from vending_platform.errors import EXPECTED
from vending_platform.service.server import serve
from vending_platform.service.web import LOOPBACK

_FAILED = 1
SHOP = "shop"
APPLICATIONS = ("pipeline", SHOP)
"""The first one is served where none is named. Each imports what it needs itself: the shop knows no Dagster."""


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m vending_platform.service")
    words.add_argument("api", nargs="?", choices=APPLICATIONS, default=APPLICATIONS[0])
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=8000)
    given = words.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        settings = environment.load()
        refuse_open_house(settings, given.host)
        _log(is_local=settings.aws is None)
        serve_one = _serve_shop if given.api == SHOP else _serve_pipeline
        serve_one(settings, given.host, given.port)
    except EXPECTED as error:
        print(f"Failed: {error}", file=sys.stderr)  # noqa: T201  # the last words of a process
        return _FAILED
    return 0


def refuse_open_house(settings: Environment, host: str) -> None:
    """Everyone who reaches a laptop's service may do everything, so no one else may reach it."""
    if settings.aws is None and host not in LOOPBACK:
        raise SettingsError(
            f"{settings.name} has no log-in, so it is served on this machine only: leave --host out, or use an"
            " environment that has one"
        )


def _serve_shop(settings: Environment, host: str, port: int) -> None:
    from vending_platform.service.shop.start import shop_app

    serve(shop_app(settings), host, port)


def _serve_pipeline(settings: Environment, host: str, port: int) -> None:
    from vending_platform.service.dagster_beside import dagster_beside
    from vending_platform.service.start import dagster_url_of, pipeline_app

    with ExitStack() as stack:
        if settings.aws is None:
            url = dagster_url_of(settings)
            log = settings.scratch / "service" / "dagster.log"
            if stack.enter_context(dagster_beside(settings, url, log)):
                logging.warning("Dagster is starting at %s; what it prints is in %s", url, log)
        app = pipeline_app(settings)

        def end_streams() -> None:
            app.state.pipeline.is_stopping = True

        serve(app, host, port, end_streams)


def _log(*, is_local: bool) -> None:
    """For a person at a terminal only what needs one; for machines a line of JSON for each request."""
    if is_local:
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
    else:
        log_as_json(logging.getLogger())
    for name in ("httpx2", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
