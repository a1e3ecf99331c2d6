"""The command `vending`, which is also `python -m vending_platform`: from its first moment to its exit code."""

import atexit
from typing import NoReturn

from vending_platform import stopping


def main() -> NoReturn:
    """The process ends as soon as its output and its data are written. Taking the interpreter apart would take time
    after a large run, and DuckDB's module then complains that something is still in use."""
    stopping.watch()
    from vending_platform.cli import FAILED, app  # takes a moment, in which Ctrl-C must work already

    try:
        app()
    except SystemExit as ended:
        atexit._run_exitfuncs()
        stopping.end(ended.code if isinstance(ended.code, int) else 0 if ended.code is None else FAILED)
    raise AssertionError("a command always ends by SystemExit")


if __name__ == "__main__":
    main()
