"""Items are written into a table, as the app's backend does it."""

from collections.abc import Iterable
from typing import Any

from app_simulator.items import Item
from app_simulator.simulation import App

_AT_ONCE = 25
"""DynamoDB takes no more."""


def fill(client: Any, table: str, app: App) -> None:
    put(client, table, app.items)


def put(client: Any, table: str, items: Iterable[Item]) -> None:
    waiting = [{"PutRequest": {"Item": item}} for item in items]
    while waiting:
        answer = client.batch_write_item(RequestItems={table: waiting[:_AT_ONCE]})
        waiting = [*answer.get("UnprocessedItems", {}).get(table, []), *waiting[_AT_ONCE:]]
