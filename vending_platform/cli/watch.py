"""The command that looks once for what people should know, and sends it."""

from vending_platform import environment
from vending_platform.cli.consoles import out
from vending_platform.cli.failures import errors_shown
from vending_platform.opening import open_platform


def watch() -> None:
    """Look once for what needs a person, or is good news, and send it, as the sensor of this name does every minute.

    What was sent is remembered: it is sent again only when it is time, and when it is over.
    """
    with errors_shown():
        platform = open_platform(environment.load())
        from vending_platform.orchestration import look_and_alert  # a second of imports, and few commands need them

        out.print(look_and_alert(platform))
