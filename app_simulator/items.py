"""The kinds of items in the app's table, as DynamoDB's JSON has them."""

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

JAPAN = timezone(timedelta(hours=9))
Item = dict[str, Any]


def text(value: str) -> Item:
    return {"S": value}


def number(value: float | str) -> Item:
    return {"N": str(value)}


def moment(value: datetime) -> Item:
    """As the app's phones write it: the clock in Japan, with its offset."""
    return text(value.replace(tzinfo=JAPAN).isoformat(timespec="milliseconds"))


def customer(customer_id: str, nickname: str, points: int, joined_at: datetime) -> Item:
    return _item(f"CUSTOMER#{customer_id}", "PROFILE", "customer") | {
        "customer_id": text(customer_id),
        "nickname": text(nickname),
        "points": number(points),
        "joined_at": moment(joined_at),
        "updated_at": moment(joined_at),
    }


def refund_request(
    request_id: str,
    customer_id: str,
    machine_id: str,
    slot_no: str,
    amount: int,
    happened_at: datetime,
    requested_at: datetime,
    note: str,
) -> Item:
    return _item(f"CUSTOMER#{customer_id}", f"REFUND#{request_id}", "refund_request") | {
        "request_id": text(request_id),
        "customer_id": text(customer_id),
        "machine_id": text(machine_id),
        "slot_no": text(slot_no),
        "amount": number(amount),
        "happened_at": moment(happened_at),
        "requested_at": moment(requested_at),
        "status": text("open"),
        "note": text(note),
        "device": {"M": {"model": text("phone"), "os": number(17)}},
    }


def check_in(
    check_in_id: str, staff_id: str, machine_id: str, arrived_at: datetime, left_at: datetime | None, place: Item
) -> Item:
    return _item(f"DRIVER#{staff_id}", f"CHECKIN#{check_in_id}", "check_in") | {
        "check_in_id": text(check_in_id),
        "staff_id": text(staff_id),
        "machine_id": text(machine_id),
        "arrived_at": moment(arrived_at),
        "left_at": moment(left_at) if left_at is not None else {"NULL": True},
        **place,
    }


def photo(photo_id: str, staff_id: str, machine_id: str, check_in_id: str, taken_at: datetime, size: int) -> Item:
    return _item(f"DRIVER#{staff_id}", f"PHOTO#{photo_id}", "photo") | {
        "photo_id": text(photo_id),
        "check_in_id": text(check_in_id),
        "machine_id": text(machine_id),
        "taken_at": moment(taken_at),
        "size": number(size),
        "sha256": {"B": hashlib.sha256(photo_id.encode()).digest()},
        "labels": {"SS": sorted({"machine", "front" if size % 2 else "inside"})},
    }


def machine_report(
    machine_id: str, reported_at: datetime, temperature: str, door_is_open: bool, errors: list[str]
) -> Item:
    expires = reported_at.replace(tzinfo=JAPAN) + timedelta(days=90)
    return _item(f"MACHINE#{machine_id}", f"REPORT#{reported_at:%Y%m%dT%H%M}", "machine_report") | {
        "machine_id": text(machine_id),
        "reported_at": moment(reported_at),
        "temperature": number(temperature),
        "door_is_open": {"BOOL": door_is_open},
        **({"error_codes": {"SS": errors}} if errors else {}),  # a set can't be empty
        "expires_at": number(int(expires.timestamp())),
    }


def _item(pk: str, sk: str, kind: str) -> Item:
    return {"pk": text(pk), "sk": text(sk), "kind": text(kind)}
