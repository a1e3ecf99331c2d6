"""Customers' own data and their subscriptions: seen and changed by whom they belong to."""

import pytest

from vending_platform_tests.service.shop.shops import ShopServer

pytestmark = pytest.mark.usefixtures("mariadb")


def test_a_customer_sees_and_changes_what_the_shop_knows(shop: ShopServer) -> None:
    assert shop.get("customers/1") == {
        "customer_id": 1,
        "email": "c1@example.com",
        "company_name": "佐藤商事",
        "contact_name": "佐藤",
        "segment": "office",
        "prefecture": "東京都",
        "newsletter": False,
        "registered_at": "2024-03-01T09:00:00+09:00",
    }
    answer = shop.client.patch("/shop/v1/customers/1", json={"contact_name": "𠮷田", "newsletter": True})
    assert (answer.json()["contact_name"], answer.json()["newsletter"]) == ("𠮷田", True)
    assert shop.get("customers/1") == answer.json()
    assert shop.client.patch("/shop/v1/customers/1", json={}).json() == answer.json()
    assert shop.client.get("/shop/v1/customers/9").status_code == 404
    assert shop.client.patch("/shop/v1/customers/9", json={"newsletter": True}).status_code == 404


def test_the_record_of_a_change_outlives_the_customer_without_personal_data(shop: ShopServer) -> None:
    shop.client.patch("/shop/v1/customers/1", json={"contact_name": "𠮷田", "email": "new@example.com"})
    assert shop.rows("select subject_id, details from api_changes") == [(1, '{"changed":["contact_name","email"]}')]


def test_an_address_belongs_to_one_customer(shop: ShopServer) -> None:
    answer = shop.client.patch("/shop/v1/customers/1", json={"email": "c2@example.com"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:email-taken")
    assert shop.rows("select count(*) from api_changes") == [(0,)]


@pytest.mark.parametrize(
    "wrong", [{"email": "nothing"}, {"contact_name": " "}, {"contact_name": "a\nb"}, {"segment": "clinic"}]
)
def test_what_can_not_be_so_is_refused(shop: ShopServer, wrong: dict[str, str]) -> None:
    assert shop.client.patch("/shop/v1/customers/1", json=wrong).status_code == 422


def test_a_subscription_begins_changes_and_ends(shop: ShopServer) -> None:
    wanted = {"customer_id": 2, "product_id": "P001", "cases": 2, "every_days": 7, "starts_on": "2024-04-01"}
    key = shop.new_key()
    answers = [shop.client.post("/shop/v1/subscriptions", json=wanted, headers=key) for _ in range(2)]
    assert [(answer.status_code, answer.json()["is_repeated"]) for answer in answers] == [(201, False), (201, True)]
    begun = answers[0].json()["subscription"]
    path = answers[0].headers["location"]
    assert begun == answers[1].json()["subscription"] == shop.client.get(path).json()
    assert {name: begun[name] for name in ("status", "started_on", "ended_on", "cases")} == {
        "status": "active",
        "started_on": "2024-04-01",
        "ended_on": None,
        "cases": 2,
    }
    assert shop.client.patch(path, json={"cases": 3, "status": "paused"}).json() == begun | {
        "cases": 3,
        "status": "paused",
    }
    ended = shop.client.patch(path, json={"status": "ended"}).json()
    assert ended["ended_on"] is not None
    assert shop.client.patch(path, json={"status": "ended"}).json() == ended, "a second time nothing happens"
    again = shop.client.patch(path, json={"status": "active"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:problem:wrong-status")
    assert shop.get("subscriptions", customer_id=2)["subscriptions"] == [ended]
    assert shop.get("subscriptions", after=begun["subscription_id"])["subscriptions"] == []


def test_a_subscription_is_for_what_is_on_sale_and_for_who_is_a_customer(shop: ShopServer) -> None:
    wanted = {"customer_id": 1, "product_id": "P001", "cases": 1, "every_days": 14}
    for wrong, kind in (({"product_id": "P005"}, "not-available"), ({"customer_id": 9}, "no-such-customer")):
        answer = shop.client.post("/shop/v1/subscriptions", json=wanted | wrong, headers=shop.new_key())
        assert (answer.status_code, answer.json()["type"]) == (409, f"urn:problem:{kind}")
    assert shop.rows("select count(*) from subscriptions") == [(0,)]
    assert shop.client.get("/shop/v1/subscriptions/9").status_code == 404
    assert shop.client.patch("/shop/v1/subscriptions/9", json={}).status_code == 404


def test_an_order_of_a_subscription_is_what_it_sends(shop: ShopServer) -> None:
    wanted = {"customer_id": 1, "product_id": "P004", "cases": 2, "every_days": 14}
    begun = shop.client.post("/shop/v1/subscriptions", json=wanted, headers=shop.new_key()).json()["subscription"]
    assert begun["started_on"] is not None
    number = begun["subscription_id"]
    order = {"customer_id": 1, "payment_method": "invoice", "subscription_id": number}
    placed = shop.client.post("/shop/v1/orders", json=order, headers=shop.new_key()).json()["order"]
    assert (placed["subscription_id"], placed["lines"][0]["product_id"], placed["lines"][0]["cases"]) == (
        number,
        "P004",
        2,
    )
    of_another = shop.client.post("/shop/v1/orders", json=order | {"customer_id": 2}, headers=shop.new_key())
    assert of_another.json()["type"] == "urn:problem:no-such-subscription"
    both = order | {"lines": [{"product_id": "P001", "cases": 1}]}
    assert shop.client.post("/shop/v1/orders", json=both, headers=shop.new_key()).status_code == 422


def test_an_order_for_no_customer_or_of_too_much_money_is_refused(shop: ShopServer) -> None:
    assert shop.order(("P001", 1), customer_id=9).json()["type"] == "urn:problem:no-such-customer"
    shop.server.run(
        "update product_prices set case_price = 99999999.99",
        "update products set stock = 1000",
        database=shop.database,
    )
    answer = shop.order(("P001", 1000))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:too-expensive")
    assert shop.stock("P001") == 1000
    twice = shop.order(("P001", 1), ("P001", 1))
    assert (twice.status_code, "add up its cases" in twice.text) == (422, True)
    assert shop.client.post("/shop/v1/orders", json={}).status_code == 422, "without a key"
