"""The app goes on: requests are answered, customers leave, what is old expires."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from app_simulator.filling import put
from app_simulator.items import moment, number, refund_request, text
from app_simulator.simulation import App


def one_more_day(client: Any, table: str, app: App, random: Random, now: datetime) -> None:
    """Half of the open requests are paid or rejected, with points for the customer; a few reports expire."""
    requests = [item for item in app.items if item["kind"] == text("refund_request")]
    for item in random.sample(requests, len(requests) // 2):
        status = random.choice(("paid", "paid", "rejected"))
        put(client, table, [item | {"status": text(status), "answered_at": moment(now)}])
        if status == "paid":
            client.update_item(
                TableName=table,
                Key={"pk": item["pk"], "sk": text("PROFILE")},
                UpdateExpression="add points :points set updated_at = :now",
                ExpressionAttributeValues={":points": number(item["amount"]["N"]), ":now": moment(now)},
            )
    reports = [item for item in app.items if item["kind"] == text("machine_report")]
    for item in random.sample(reports, 5):
        client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


def forget_customer(client: Any, table: str, app: App) -> str:
    """A customer leaves, and their profile with them; which one."""
    item = next(item for item in app.items if item["kind"] == text("customer"))
    client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    customer_id: str = item["customer_id"]["S"]
    return customer_id


def late_request(client: Any, table: str, app: App, now: datetime) -> str:
    """Someone asks days later; the number of the request."""
    item = next(item for item in app.items if item["kind"] == text("refund_request"))
    happened = datetime.fromisoformat(item["happened_at"]["S"]).replace(tzinfo=None)
    customer_id, machine_id, slot_no = (item[name]["S"] for name in ("customer_id", "machine_id", "slot_no"))
    asked = now - timedelta(minutes=5)
    late = refund_request(
        "R99999", customer_id, machine_id, slot_no, int(item["amount"]["N"]), happened, asked, "今ごろすみません"
    )
    put(client, table, [late])
    return "R99999"
