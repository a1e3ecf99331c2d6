"""Logs for machines: one JSON object a line, as CloudWatch Logs searches them."""

import json
import logging
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from vending_platform.alerts.redaction import without_secrets

_SUBJECTS = ("run", "job", "step", "asset", "partition")
"""What a line is about, where its record has it."""
NOISY_LOGGERS = ("alembic.", "botocore.")
"""Loggers that write a line at every tick of a sensor; below a warning they are left out."""


class JsonLines(logging.Formatter):
    """Time, level, logger and message; what the line is about; and the record's `fields`, such as metrics.

    `about` finds what a record is about where the record does not have it in attributes of its own.
    """

    def __init__(self, about: Callable[[logging.LogRecord], dict[str, str]] = lambda _: {}) -> None:
        super().__init__()
        self._about = about

    def format(self, record: logging.LogRecord) -> str:
        attributes = vars(record)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: attributes[name] for name in _SUBJECTS if attributes.get(name)},
            **self._about(record),
            **attributes.get("fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        said_aloud = {name: without_secrets(value) if isinstance(value, str) else value for name, value in line.items()}
        # A file's name may hold what is no letter, and a line that can't be written is lost.
        return json.dumps(said_aloud, ensure_ascii=False, default=str).encode(errors="replace").decode()


def json_handler(
    about: Callable[[logging.LogRecord], dict[str, str]] = lambda _: {}, noisy_loggers: Iterable[str] = ()
) -> logging.Handler:
    """`noisy_loggers` are the prefixes of names of further loggers that are treated as `NOISY_LOGGERS`."""
    noisy = (*NOISY_LOGGERS, *noisy_loggers)

    def is_worth_a_line(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not record.name.startswith(noisy)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(about))
    handler.addFilter(is_worth_a_line)
    return handler


def log_as_json(logger: logging.Logger, noisy_loggers: Iterable[str] = ()) -> None:
    """From here on everything that comes to this logger, from INFO up, is a JSON line on the error output."""
    for handler in list(logger.handlers):
        if isinstance(handler.formatter, JsonLines):
            logger.removeHandler(handler)
    logger.addHandler(json_handler(noisy_loggers=noisy_loggers))
    logger.setLevel(logging.INFO)
