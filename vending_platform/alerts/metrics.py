"""Numbers that alarms watch, as lines of the log in CloudWatch's embedded metric format.

CloudWatch makes metrics of such lines by itself: there is no call that could fail, wait or be throttled in the middle
of a run, and a number stands beside the run that it comes from.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

NAMESPACE = "Vending"
ENVIRONMENT = "Environment"
METRICS = logging.getLogger("vending_platform.metrics")


class Unit(StrEnum):
    COUNT = "Count"
    SECONDS = "Seconds"
    BYTES = "Bytes"


@dataclass(frozen=True)
class Number:
    name: str
    value: float
    unit: Unit = Unit.COUNT


def measured(
    what: str,
    environment: str,
    numbers: list[Number],
    *,
    by: Mapping[str, str] | None = None,
    at: datetime | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Log these numbers. CloudWatch keeps them for the environment, and for each value of what is in `by`, which must
    therefore be few; what is in `about` is only searchable."""
    fields = {**(about or {}), **embedded(environment, numbers, by or {}, at or datetime.now(UTC))}
    METRICS.info("%s: %s", what, ", ".join(f"{n.name} {n.value:g}" for n in numbers), extra={"fields": fields})


def embedded(environment: str, numbers: list[Number], by: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """The fields of a line that make CloudWatch take metrics out of it."""
    dimensions = {ENVIRONMENT: environment, **by}
    return {
        "_aws": {
            "Timestamp": int(at.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [[ENVIRONMENT], list(dimensions)] if by else [[ENVIRONMENT]],
                    "Metrics": [{"Name": number.name, "Unit": str(number.unit)} for number in numbers],
                }
            ],
        },
        **dimensions,
        **{number.name: number.value for number in numbers},
    }
