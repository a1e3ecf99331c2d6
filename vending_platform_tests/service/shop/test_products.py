"""What there is to order: found as people type it, with the price and the stock of this moment."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.service.shop.catalogue import folded, listing_from
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.properties import examples
from vending_platform_tests.service.shop.shops import ShopServer, serving_shop

pytestmark = pytest.mark.usefixtures("mariadb")


def found(shop: ShopServer, **query: Any) -> list[str]:
    return [product["product_id"] for product in shop.get("products", **query)["products"]]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("こーひー", ["P002", "P003"]),
        ("ｺｰﾋｰ", ["P002", "P003"]),
        ("コ－ヒ－", ["P002", "P003"]),
        ("ucc　ブラック", ["P002"]),
        ("おーいお茶", ["P001"]),
        ("500ＭＬ", ["P001"]),
        ("コーヒー 牛乳", ["P003"]),
        ("p004", ["P004"]),
        ("サイダー", []),
        ("%", []),
        ("", ["P001", "P002", "P003", "P004"]),
    ],
)
def test_a_search_finds_words_in_any_width_and_kind_of_kana(shop: ShopServer, search: str, expected: list[str]) -> None:
    assert found(shop, search=search) == expected


def test_a_product_has_the_price_of_today_and_what_can_be_ordered_now(shop: ShopServer) -> None:
    assert shop.get("products/P002") == {
        "product_id": "P002",
        "name": "ＵＣＣ ブラックコーヒー",
        "category": {"category_id": "C12", "name": "コーヒー"},
        "units_per_case": 24,
        "case_price": "2856.50",
        "cases_available": 5,
        "is_available": True,
    }
    assert shop.get("products/P001")["case_price"] == "2754.00", "the one of 2999 is not valid yet"
    no_more = shop.get("products/P005")
    assert (no_more["cases_available"], no_more["is_available"]) == (0, False)
    assert shop.client.get("/shop/v1/products/P999").json()["detail"] == "there is no product P999"


def test_products_come_in_pages_by_category_and_by_what_is_there(shop: ShopServer) -> None:
    first = shop.get("products", limit=3)
    assert (len(first["products"]), first["next"]) == (3, "P003")
    second = shop.get("products", limit=3, after="P003")
    assert ([one["product_id"] for one in second["products"]], second["next"]) == (["P004"], None)
    assert found(shop, category="C12") == ["P002", "P003"]
    assert found(shop, category="C12", available=True) == ["P002"]
    assert shop.get("products", available=True, limit=2)["next"] == "P002"
    assert shop.get("categories")["categories"] == [
        {"category_id": "C11", "name": None, "products": 1},
        {"category_id": "C12", "name": "コーヒー", "products": 2},
        {"category_id": "C13", "name": None, "products": 1},
    ]


def test_what_was_taken_off_sale_is_in_no_page_at_once(mariadb: MariaDb, filled: str) -> None:
    with serving_shop(mariadb, filled) as shop:
        assert found(shop) == ["P001", "P002", "P003", "P004"]
        mariadb.run("update products set is_active = 0 where product_id = 'P002'", database=filled)
        assert found(shop, limit=2) == ["P001", "P003"]


KANA = st.text(st.characters(min_codepoint=ord("ァ"), max_codepoint=ord("ヴ")), min_size=1, max_size=8)


@given(word=KANA)
@examples(60)
def test_katakana_finds_hiragana_and_the_other_way_round(word: str) -> None:
    hiragana = "".join(chr(ord(letter) - 0x60) for letter in word)
    for name, search in ((word, hiragana), (hiragana, word)):
        listing = listing_from([("P1", f"天然{name}水", "C1", None)])
        assert list(listing.matching(search, None, None)) == ["P1"]
        assert folded(folded(name)) == folded(name)
