"""How many examples a property is tried on: few whenever the tests run, more for `make proof`."""

import os
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings

EXAMPLES_FACTOR = int(os.environ.get("TEST_EXAMPLES_FACTOR", "1"))


def examples(count: int, *, suppress_health_check: Iterable[HealthCheck] = (), **others: Any) -> settings:
    """So many examples, and in the proof as many times more as it asks for."""
    suppressed = {HealthCheck.too_slow, *suppress_health_check}
    return settings(max_examples=count * EXAMPLES_FACTOR, suppress_health_check=suppressed, **others)
