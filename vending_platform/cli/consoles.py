"""Where commands write, and the exit codes they end with."""

from vending_platform.console import PlainConsole

FAILED, WRONG_USAGE, NEEDS_A_PERSON, INTERRUPTED = 1, 2, 3, 130
out = PlainConsole(soft_wrap=True)
err = PlainConsole(soft_wrap=True, stderr=True)
