"""Files that only help, such as a cache, a status, the history of runs: a damaged one stops nothing."""

import logging
from pathlib import Path

_log = logging.getLogger(__name__)


def put_aside(path: Path, why: object) -> None:
    """The next reader makes the file again. What it held stays beside it, under another name, until the next time."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    _log.warning("%s is damaged (%s): it is made again, and what it held is in %s", path, why, aside.name)
