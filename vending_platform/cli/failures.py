"""Where errors stop being values: one message, and an exit code."""

import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.text import Text

from vending_platform.cli.consoles import FAILED, INTERRUPTED, err
from vending_platform.errors import EXPECTED
from vending_platform.stopping import STOPPED


@contextmanager
def errors_shown() -> Iterator[None]:
    """Where errors stop being values: what the platform reports becomes one message and an exit code."""
    try:
        yield
    except EXPECTED as error:
        print_failure(str(error))
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:  # of a program that calls these commands without watching for signals
        err.print(STOPPED)
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        from vending_platform.alerts import without_secrets  # and the clients of all channels

        what = without_secrets(f"{type(error).__name__}: {error}")
        print_failure(
            f"{what}. This is a fault of the platform; {_keep_traceback(without_secrets(traceback.format_exc()))}"
        )
        raise typer.Exit(FAILED) from error


def refuse(why: str) -> NoReturn:
    print_failure(f"{why}.")
    raise typer.Exit(FAILED)


def print_failure(words: str) -> None:
    err.print(Text.assemble(("Failed: ", "bold red"), words))


def _keep_traceback(text: str) -> str:
    """For the person who fixes it, in a file, because a person at a terminal can do nothing with it."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="vending-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"where it happened can't be kept: {error}"
    return f"where it happened is in {file.name}"
