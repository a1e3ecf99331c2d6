"""Orders over HTTP: all or nothing, once for each key, with the stock and the payments that belong to them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from vending_platform_tests.service.shop.shops import ShopServer

pytestmark = pytest.mark.usefixtures("mariadb")


def test_an_order_takes_its_cases_out_of_the_stock_and_is_found_again(shop: ShopServer) -> None:
    answer = shop.order(("P001", 3), ("P004", 1), note="裏口に\n置いてください")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    order = made["order"]
    assert made["is_repeated"] is False
    assert answer.headers["location"] == f"/shop/v1/orders/{order['order_id']}"
    assert (order["status"], order["total"], order["note"]) == ("placed", "10261.99", "裏口に\n置いてください")
    assert [(line["product_id"], line["cases"], line["case_price"], line["amount"]) for line in order["lines"]] == [
        ("P001", 3, "2754.00", "8262.00"),
        ("P004", 1, "1999.99", "1999.99"),
    ]
    assert [(one["method"], one["status"], one["amount"]) for one in order["payments"]] == [
        ("card", "authorized", "10261.99")
    ]
    assert order["ordered_at"].endswith("+09:00")
    assert shop.get(f"orders/{order['order_id']}") == order
    assert (shop.stock("P001"), shop.stock("P004")) == (97, 6)


def test_of_an_order_that_is_not_available_nothing_is_ordered(shop: ShopServer) -> None:
    answer = shop.order(("P001", 1), ("P002", 6), ("P005", 1), ("P999", 1))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:not-available")
    assert [(one["where"], one["problem"]) for one in answer.json()["invalid"]] == [
        ("body.lines.1", "of P002 there are 5 cases"),
        ("body.lines.2", "P005 is not on sale"),
        ("body.lines.3", "P999 is not on sale"),
    ]
    assert shop.stock("P001") == 100
    assert shop.rows("select count(*) from orders") == [(0,)]
    assert shop.rows("select count(*) from api_changes") == [(0,)]


def test_an_equal_request_gets_the_order_that_there_is(shop: ShopServer) -> None:
    wanted = {"customer_id": 1, "payment_method": "invoice", "lines": [{"product_id": "P001", "cases": 2}]}
    headers = {"Idempotency-Key": "monday"}

    def send(_: int) -> tuple[int, Any]:
        answer = shop.client.post("/shop/v1/orders", json=wanted, headers=headers)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(24)))
    assert {status for status, _ in answers} == {201}
    assert len({answer["order"]["order_id"] for _, answer in answers}) == 1
    assert [answer["is_repeated"] for _, answer in answers].count(False) == 1
    assert shop.stock("P001") == 98
    other = shop.client.post("/shop/v1/orders", json=wanted | {"customer_id": 2}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:problem:key-reused")


def test_a_cancelled_order_gives_its_cases_back_once(shop: ShopServer) -> None:
    order_id = shop.order(("P001", 3), ("P002", 5)).json()["order"]["order_id"]
    for _ in range(2):
        answer = shop.client.post(f"/shop/v1/orders/{order_id}/cancel")
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "cancelled"
        assert answer.json()["payments"][0]["status"] == "refunded"
    assert (shop.stock("P001"), shop.stock("P002")) == (100, 5)
    assert set(shop.rows("select status from stock_reservations")) == {("released",)}


def test_an_order_goes_one_step_at_a_time(shop: ShopServer) -> None:
    order_id = shop.order(("P001", 3)).json()["order"]["order_id"]

    def advance(status: str) -> Any:
        return shop.client.post(f"/shop/v1/orders/{order_id}/status", json={"status": status})

    assert advance("shipped").json()["detail"] == f"order {order_id} is placed, so it can't be shipped next"
    assert advance("paid").json()["payments"][0]["status"] == "captured"
    assert advance("paid").json()["status"] == "paid", "a second time nothing happens"
    assert advance("shipped").json()["status"] == "shipped"
    assert shop.client.post(f"/shop/v1/orders/{order_id}/cancel").json()["type"] == "urn:problem:wrong-status"
    assert advance("delivered").json()["status"] == "delivered"
    assert shop.rows("select status from stock_reservations") == [("shipped",)]
    assert shop.stock("P001") == 97
    assert advance("placed").status_code == 422


def test_orders_come_in_pages_the_newest_first(shop: ShopServer) -> None:
    made = [shop.order(("P001", 1), customer_id=1 + number % 2).json()["order"]["order_id"] for number in range(7)]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = shop.get("orders", **query)
        seen += [order["order_id"] for order in page["orders"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == sorted(made, reverse=True)
    assert [order["order_id"] for order in shop.get("orders", customer_id=2)["orders"]] == made[1::2][::-1]
    assert shop.get("orders", status="paid") == {"orders": [], "next": None}


def test_every_change_is_on_record(shop: ShopServer) -> None:
    answer = shop.order(("P001", 1))
    order_id = answer.json()["order"]["order_id"]
    shop.client.post(f"/shop/v1/orders/{order_id}/cancel")
    assert shop.rows("select action, subject_id, caller, details from api_changes order by change_id") == [
        ("place-order", order_id, "loopback", '{"status":"placed","total":"2754.00","cases":{"P001":1}}'),
        ("cancel-order", order_id, "loopback", '{"from":"placed","status":"cancelled"}'),
    ]
    assert shop.rows("select request_id from api_changes limit 1") == [(answer.headers["x-request-id"],)]
