"""What an environment has sent, read back from its files."""

import json
import time
from pathlib import Path
from typing import Any

from vending_platform.environment import Environment
from vending_platform.lineage import flush


def sent_events(data: Path) -> list[dict[str, Any]]:
    files = sorted((data / "lineage" / "events").rglob("*.jsonl"), key=lambda path: path.name)
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def flushed_events(environment: Environment) -> list[dict[str, Any]]:
    """All of them, also those that a run had no patience to send."""
    assert environment.lineage is not None
    while (sent := flush(environment)) is not None and sent.is_busy:
        time.sleep(0.05)
    return sent_events(environment.lineage.outbox.parent)


def ends(events: list[dict[str, Any]]) -> dict[str, str]:
    """How the last run of each job ended."""
    return {
        event["job"]["name"]: event["eventType"]
        for event in events
        if event["eventType"] in ("COMPLETE", "FAIL", "ABORT")
    }
