"""Products as they are at this moment: price, stock, whether they can be ordered."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice

from vending_platform.service.mysql import MySqlDatabase, PooledSession, Row
from vending_platform.service.shop.models import Category, ProductPage, ShopProduct

IN_JAPAN = "timestampadd(hour, 9, utc_timestamp(6))"
"""SQL for what clocks in Japan show now."""
PRICE_NOW = (
    "(select case_price from product_prices where product_prices.product_id = products.product_id"
    f" and valid_from <= date({IN_JAPAN}) order by valid_from desc limit 1)"
)
"""SQL for today's price of a row of products."""
_SELECT = (
    "select products.product_id, product_name, products.category_id, category_name, units_per_case, stock, is_active,"
    f" {PRICE_NOW} from products"
    " left join product_categories on products.category_id = product_categories.category_id where products.product_id"
)
_AT_ONCE = 500


async def product_by_id(session: PooledSession, product_id: str) -> ShopProduct | None:
    """Also one that is no longer on sale: an older order may name it."""
    row = await session.row(f"{_SELECT} = %s", product_id)
    return None if row is None else _product(row)


async def product_page(
    database: MySqlDatabase, matching: Iterable[str], *, only_available: bool, limit: int
) -> ProductPage:
    """One page of those that match and are on sale at this moment."""
    found: list[ShopProduct] = []
    left = iter(matching)
    while len(found) <= limit and (ids := list(islice(left, _AT_ONCE if only_available else limit + 1))):

        async def read(session: PooledSession, ids: Sequence[str] = ids) -> Sequence[Row]:
            return await session.rows(f"{_SELECT} in ({', '.join(['%s'] * len(ids))})", *ids)

        products = sorted(
            (_product(row) for row in await database.read(read) if row[6]), key=lambda one: one.product_id
        )
        found += [product for product in products if product.is_available or not only_available]
    shown = found[:limit]
    return ProductPage(products=shown, next=shown[-1].product_id if len(found) > limit else None)


def _product(row: Row) -> ShopProduct:
    product_id, name, category_id, category_name, units, stock, is_active, price = row
    can_be_ordered = bool(is_active) and price is not None
    return ShopProduct(
        product_id=product_id,
        name=name,
        category=Category(category_id=category_id, name=category_name),
        units_per_case=units,
        case_price=price,
        cases_available=stock if can_be_ordered else 0,
        is_available=can_be_ordered and stock > 0,
    )


async def lock_stock(
    session: PooledSession, product_ids: Sequence[str]
) -> tuple[dict[str, tuple[int, Decimal | None]], datetime]:
    """Stock and today's price of those that are on sale, which no one else changes until this transaction ends, and the
    time in Japan. Everyone locks in the order of ids, so two orders of the same products rarely collide."""
    rows = await session.rows(
        f"select product_id, stock, is_active, {PRICE_NOW}, {IN_JAPAN} from products"
        f" where product_id in ({', '.join(['%s'] * len(product_ids))}) order by product_id for update",
        *sorted(product_ids),
    )
    at = rows[0][4] if rows else datetime.min
    return {product_id: (stock, price) for product_id, stock, is_active, price, _ in rows if is_active}, at


async def move_stock(session: PooledSession, cases: dict[str, int]) -> None:
    """Adds these cases to the stock; negative ones are taken out of it."""
    ids = sorted(cases)
    whens = " ".join(["when %s then %s"] * len(ids))
    moved = [value for product_id in ids for value in (product_id, cases[product_id])]
    await session.run(
        f"update products set stock = stock + case product_id {whens} end"
        f" where product_id in ({', '.join(['%s'] * len(ids))})",
        *(*moved, *ids),
    )
