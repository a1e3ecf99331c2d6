"""What an outbox holds."""

import json
from typing import Any

from vending_platform.lineage.outbox import Outbox


def waiting(outbox: Outbox) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in outbox.first(100_000)]


def event(run: str, state: str, job: str = "j", at: str = "2024-03-01T00:00:00.000000Z") -> dict[str, Any]:
    """As short as an event can be."""
    return {"eventType": state, "eventTime": at, "run": {"runId": run, "facets": {}}, "job": {"name": job}}
