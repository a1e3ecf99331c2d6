"""A table that can't be exported is scanned: in parallel, and no faster than it may be read.

The scanned items are written as an export would write them, so everything after it is the same.
"""

import base64
import gzip
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vending_platform.extraction.dynamodb.settings import ItemTable
from vending_platform.extraction.dynamodb.verifying import DataFile

SEGMENTS = 4
_LIMIT = 500
"""Items in an answer: so that no single one takes more than about a second of a small allowance."""


@dataclass
class ReadAllowance:
    """Capacity units that may be used in a second, by all segments together."""

    a_second: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, units: float) -> None:
        """Waits for as long as what was used is too much."""
        with self._lock:
            now = self.clock()
            self._free_at = max(self._free_at, now) + units / self.a_second
            wait = self._free_at - now - 1.0 / SEGMENTS
        if wait > 0:
            self.sleep(wait)


def scanned(table: ItemTable, folder: Path, allowance: ReadAllowance | None = None) -> list[DataFile]:
    """All items, a file each segment."""
    allowed = allowance or ReadAllowance(table.settings.scan_units)
    client = table.client  # boto3's clients may be shared by threads, but not made by several at once
    with ThreadPoolExecutor(SEGMENTS) as pool:
        return list(pool.map(lambda segment: _segment(table, client, folder, segment, allowed), range(SEGMENTS)))


def _segment(table: ItemTable, client: Any, folder: Path, segment: int, allowed: ReadAllowance) -> DataFile:
    path, items = folder / f"segment_{segment}.json.gz", 0
    request: dict[str, Any] = {
        "TableName": table.settings.table,
        "Segment": segment,
        "TotalSegments": SEGMENTS,
        "Limit": _LIMIT,
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "TOTAL",
    }
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        while True:
            with table.errors():
                answer = client.scan(**request)
            for item in answer["Items"]:
                file.write(
                    json.dumps({"Item": item}, default=_binary, ensure_ascii=False, separators=(",", ":")) + "\n"
                )
            items += len(answer["Items"])
            allowed.use(answer.get("ConsumedCapacity", {}).get("CapacityUnits", len(answer["Items"])))
            if "LastEvaluatedKey" not in answer:
                return DataFile(path, path.name, items)
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _binary(value: object) -> str:
    assert isinstance(value, bytes), "DynamoDB's JSON has nothing else that JSON does not know"
    return base64.b64encode(value).decode()
