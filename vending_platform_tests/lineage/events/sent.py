"""What an environment has sent, read back from its files."""

import json
from pathlib import Path
from typing import Any


def sent_events(data: Path) -> list[dict[str, Any]]:
    files = sorted((data / "lineage" / "events").rglob("*.jsonl"), key=lambda path: path.name)
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def ends(events: list[dict[str, Any]]) -> dict[str, str]:
    """How the last run of each job ended."""
    return {
        event["job"]["name"]: event["eventType"]
        for event in events
        if event["eventType"] in ("COMPLETE", "FAIL", "ABORT")
    }
