"""Which products a search finds: Japanese as people type it, whatever the width and the kind of kana.

A shop has some thousand products, so their names are kept in memory and looked through there; stock and prices are
always the database's. No database of today searches Japanese the same way in MySQL and MariaDB.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vending_platform.service.mysql import MySqlDatabase, PooledSession, Row
from vending_platform.service.shop.models import CategoryInUse
from vending_platform.service.web import LastKnown

_FRESH, _USABLE = 10.0, 600.0
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−ー－-~〜"), "ー")
_IGNORED = dict.fromkeys(map(ord, "・･.,、。'’\"()（）[]「」"), None)


def folded(text: str) -> str:
    """The same for all ways to write one word: full and half width, hiragana and katakana, capital and small letters,
    the long vowel and all kinds of dashes."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_TO_HIRAGANA).translate(_DASHES).translate(_IGNORED)


@dataclass(frozen=True)
class _Listed:
    product_id: str
    category_id: str
    words: str
    """All that a search looks at."""


@dataclass(frozen=True)
class ProductListing:
    """The products on sale, in the order of their ids."""

    products: Sequence[_Listed]
    categories: Sequence[CategoryInUse]

    def matching(self, search: str | None, category_id: str | None, after: str | None) -> Iterator[str]:
        """The ids of those that have every word of the search."""
        words = [folded(word) for word in (search or "").split()]
        for product in self.products:
            if after is not None and product.product_id <= after:
                continue
            if category_id is not None and product.category_id != category_id:
                continue
            if all(word in product.words for word in words):
                yield product.product_id


def listing_of(database: MySqlDatabase) -> LastKnown[ProductListing]:
    """It is read again in the background; a product that is new is found some seconds later."""

    async def find() -> ProductListing:
        return await database.read(_listing)

    return LastKnown(find, fresh_seconds=_FRESH, usable_seconds=_USABLE)


async def _listing(session: PooledSession) -> ProductListing:
    rows = await session.rows(
        "select products.product_id, product_name, products.category_id, category_name from products"
        " left join product_categories on products.category_id = product_categories.category_id where is_active = 1"
    )
    return listing_from(rows)


def listing_from(rows: Sequence[Row]) -> ProductListing:
    """Of (product, name, category, its name); ordered here, as every database sorts text in its own way."""
    names: dict[str, str | None] = {}
    sizes: dict[str, int] = {}
    products = []
    for product_id, name, category_id, category_name in sorted(rows):
        names[category_id] = category_name
        sizes[category_id] = sizes.get(category_id, 0) + 1
        words = " ".join((folded(name), folded(category_name or ""), folded(product_id)))
        products.append(_Listed(product_id, category_id, words))
    return ProductListing(
        products,
        [CategoryInUse(category_id=one, name=names[one], products=sizes[one]) for one in sorted(names)],
    )
