"""Who may do what in the shop: keys with scopes, each reaching the customer that it acts for and no other one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from vending_platform.service.login import Access
from vending_platform.service.web import Permission, WebSettings, openapi_of
from vending_platform.service.web.api_keys import KeyRecord, KeyRing, new_key, new_session_key
from vending_platform.service.web.key_login import ApiKeys, KeyUse
from vending_platform.service.web.limits import RequestLimits
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.shop.shops import GENEROUS, ShopServer, serving_shop

pytestmark = pytest.mark.usefixtures("mariadb")
READ, WRITE, MANAGE = Permission.READ, Permission.WRITE, Permission.MANAGE
HOLDERS = {
    "office": ({READ, WRITE}, "1"),
    "neighbor": ({READ, WRITE}, "2"),
    "reader": ({READ}, "1"),
    "staff": ({READ, WRITE, MANAGE}, None),
    "unassigned": ({READ, WRITE}, None),
}


def access_of(limits: RequestLimits = GENEROUS) -> tuple[Access, dict[str, dict[str, str]]]:
    """With the header that each holder sends."""
    headers, records = {}, list[KeyRecord]()
    ends = datetime.now(UTC) + timedelta(days=1)
    for holder, (permissions, acts_for) in HOLDERS.items():
        key, record = new_key(holder, frozenset(permissions), "vending", "staging", ends, acts_for)
        headers[holder] = {"Authorization": f"Bearer {key}"}
        records.append(record)
    ring = KeyRing(keys=tuple(records), session_key=SecretStr(new_session_key()))

    async def read() -> KeyRing:
        return ring

    keys = ApiKeys(read, KeyUse("vending", "staging"))
    return Access(WebSettings([keys], limits=limits), keys), headers


@pytest.fixture(scope="module")
def running(mariadb: MariaDb, shop_database: str) -> Iterator[tuple[ShopServer, dict[str, dict[str, str]]]]:
    access, headers = access_of()
    with serving_shop(mariadb, shop_database, access) as server:
        yield server, headers


@pytest.fixture
def keyed(
    running: tuple[ShopServer, dict[str, dict[str, str]]], filled: str
) -> tuple[ShopServer, dict[str, dict[str, str]]]:
    return running


def test_no_one_gets_in_without_a_key(keyed: tuple[ShopServer, dict[str, dict[str, str]]]) -> None:
    shop, _ = keyed
    open_ones = set()
    for path, methods in openapi_of(shop.app)["paths"].items():
        for method in methods:
            address = path.format(order_id=1, customer_id=1, subscription_id=1, product_id="P001")
            if shop.client.request(method, address, json={}).status_code != 401:
                open_ones.add(path)
    assert open_ones == {"/healthz", "/readyz"}


def test_a_customer_reaches_its_own_data_only(keyed: tuple[ShopServer, dict[str, dict[str, str]]]) -> None:
    shop, as_ = keyed
    get, post, patch = shop.client.get, shop.client.post, shop.client.patch
    wanted = {"customer_id": 1, "payment_method": "card", "lines": [{"product_id": "P001", "cases": 1}]}
    placed = post("/shop/v1/orders", json=wanted, headers=as_["office"] | shop.new_key())
    assert placed.status_code == 201
    path = placed.headers["location"]
    begun = {"customer_id": 1, "product_id": "P001", "cases": 2, "every_days": 7}
    subscription = post("/shop/v1/subscriptions", json=begun, headers=as_["office"] | shop.new_key()).headers[
        "location"
    ]
    for holder, status in (("office", 200), ("reader", 200), ("staff", 200), ("neighbor", 404), ("unassigned", 404)):
        assert get(path, headers=as_[holder]).status_code == status
        assert get(subscription, headers=as_[holder]).status_code == status
    for holder, status in (("office", 200), ("staff", 200), ("neighbor", 403), ("unassigned", 403)):
        assert get("/shop/v1/customers/1", headers=as_[holder]).status_code == status
        assert get("/shop/v1/orders?customer_id=1", headers=as_[holder]).status_code == status
        assert get("/shop/v1/subscriptions?customer_id=1", headers=as_[holder]).status_code == status
    for holder in ("neighbor", "unassigned"):
        assert post(f"{path}/cancel", headers=as_[holder]).status_code == 404
        assert patch(subscription, json={"status": "ended"}, headers=as_[holder]).status_code == 404
        assert patch("/shop/v1/customers/1", json={"newsletter": True}, headers=as_[holder]).status_code == 403
        assert post("/shop/v1/orders", json=wanted, headers=as_[holder] | shop.new_key()).status_code == 403
        assert post("/shop/v1/subscriptions", json=begun, headers=as_[holder] | shop.new_key()).status_code == 403
    assert post(f"{path}/cancel", headers=as_["reader"]).json()["type"] == "urn:problem:missing-permission"
    assert post(f"{path}/status", json={"status": "paid"}, headers=as_["office"]).status_code == 403
    assert post(f"{path}/status", json={"status": "paid"}, headers=as_["staff"]).status_code == 200


def test_a_list_has_the_callers_own(keyed: tuple[ShopServer, dict[str, dict[str, str]]]) -> None:
    shop, as_ = keyed
    wanted = {"payment_method": "card", "lines": [{"product_id": "P001", "cases": 1}]}
    for customer_id in (1, 2):
        shop.client.post(
            "/shop/v1/orders", json=wanted | {"customer_id": customer_id}, headers=as_["staff"] | shop.new_key()
        )
    seen = {
        holder: [order["customer_id"] for order in shop.client.get("/shop/v1/orders", headers=header).json()["orders"]]
        for holder, header in as_.items()
        if holder != "unassigned"
    }
    assert seen == {"office": [1], "reader": [1], "neighbor": [2], "staff": [2, 1]}
    for path in ("/shop/v1/orders", "/shop/v1/subscriptions"):
        assert shop.client.get(path, headers=as_["unassigned"]).json()["type"] == "urn:problem:no-customer"
    assert shop.client.get("/shop/v1/subscriptions", headers=as_["office"]).json()["subscriptions"] == []


def test_keys_of_two_callers_that_are_equal_are_two(keyed: tuple[ShopServer, dict[str, dict[str, str]]]) -> None:
    shop, as_ = keyed
    wanted = {"customer_id": 1, "payment_method": "card", "lines": [{"product_id": "P001", "cases": 1}]}
    same = {"Idempotency-Key": "monday"}
    made = [shop.client.post("/shop/v1/orders", json=wanted, headers=as_[one] | same) for one in ("office", "staff")]
    assert len({answer.json()["order"]["order_id"] for answer in made}) == 2


def test_a_caller_that_asks_too_often_waits(mariadb: MariaDb, filled: str) -> None:
    access, as_ = access_of(RequestLimits(per_second=0.001, burst=3))
    with serving_shop(mariadb, filled, access) as shop:
        answers = [shop.client.get("/shop/v1/categories", headers=as_["office"]) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 1
        assert shop.client.get("/shop/v1/categories", headers=as_["staff"]).status_code == 200
