"""What there is to order."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from vending_platform.service.mysql import MySqlDatabase, PooledSession
from vending_platform.service.shop.catalogue import listing_of
from vending_platform.service.shop.models import PRODUCT_ID, CategoryList, PageSize, ProductPage, ShopProduct
from vending_platform.service.shop.products import product_by_id, product_page
from vending_platform.service.web import COMMON_PROBLEMS, ReadingCaller, not_found, responses

ProductPath = Annotated[str, Path(pattern=PRODUCT_ID, description="The product's.")]
Search = Annotated[
    str | None,
    Query(max_length=100, description="Words that a product's name or category has, in any width and kind of kana."),
]


def product_endpoints(database: MySqlDatabase) -> APIRouter:
    endpoints = APIRouter(tags=["products"], responses=COMMON_PROBLEMS)
    listing = listing_of(database)

    @endpoints.get("/shop/v1/products")
    async def search_products(
        caller: ReadingCaller,
        search: Search = None,
        category: Annotated[str | None, Query(pattern=PRODUCT_ID)] = None,
        available: Annotated[bool, Query(description="Only what can be ordered now.")] = False,
        after: Annotated[str | None, Query(pattern=PRODUCT_ID, description="The `next` of the page before.")] = None,
        limit: PageSize = 25,
    ) -> ProductPage:
        """Products on sale, with their price and stock at this moment."""
        known = await listing.get()
        matching = known.matching(search, category, after)
        return await product_page(database, matching, only_available=available, limit=limit)

    @endpoints.get("/shop/v1/products/{product_id}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_product(caller: ReadingCaller, product_id: ProductPath) -> ShopProduct:
        """One product, also if it is no longer on sale."""

        async def read(session: PooledSession) -> ShopProduct | None:
            return await product_by_id(session, product_id)

        if (product := await database.read(read)) is None:
            raise not_found(f"there is no product {product_id}")
        return product

    @endpoints.get("/shop/v1/categories")
    async def list_categories(caller: ReadingCaller) -> CategoryList:
        """The categories of all products on sale."""
        return CategoryList(categories=list((await listing.get()).categories))

    return endpoints
