"""Place an order, see it, take it on, cancel it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from vending_platform.service.mysql import MySqlDatabase, PooledSession
from vending_platform.service.shop.changes import IdempotencyKey, change_of, make_once
from vending_platform.service.shop.models import (
    MOST_ID,
    AfterRow,
    NewOrder,
    OrderPage,
    OrderProgress,
    OrderStatus,
    PageSize,
    PlacedOrder,
    RowId,
    ShopOrder,
)
from vending_platform.service.shop.orders import (
    advance_order,
    cancel_order,
    known_order,
    no_such_order,
    order_by_id,
    orders_before,
    place_order,
)
from vending_platform.service.shop.reach import listed_customer, reaches, refuse_others
from vending_platform.service.web import (
    COMMON_PROBLEMS,
    ApiCaller,
    ManagingCaller,
    ReadingCaller,
    WritingCaller,
    responses,
)

OrderId = Annotated[int, Path(ge=1, le=MOST_ID, description="The order's.")]
_NOT_FOUND = responses(HTTPStatus.NOT_FOUND)
_CHANGE = responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def order_endpoints(database: MySqlDatabase) -> APIRouter:
    endpoints = APIRouter(tags=["orders"], responses=COMMON_PROBLEMS)

    @endpoints.post(
        "/shop/v1/orders",
        status_code=HTTPStatus.CREATED,
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    )
    async def place(
        request: Request, response: Response, caller: WritingCaller, wanted: NewOrder, idempotency_key: IdempotencyKey
    ) -> PlacedOrder:
        """Order what is available, and reserve it, in one step: all of it or nothing."""
        refuse_others(caller, wanted.customer_id)
        change = change_of(request, caller, "place-order", wanted, key=idempotency_key)
        order, is_repeated = await make_once(
            database, change, lambda session: place_order(session, wanted), known_order
        )
        response.headers["Location"] = f"/shop/v1/orders/{order.order_id}"
        return PlacedOrder(order=order, is_repeated=is_repeated)

    @endpoints.get("/shop/v1/orders")
    async def list_orders(
        caller: ReadingCaller,
        customer_id: Annotated[RowId | None, Query()] = None,
        status: OrderStatus | None = None,
        after: AfterRow = None,
        limit: PageSize = 25,
    ) -> OrderPage:
        """The newest first: the caller's own, or with the permission `manage` everyone's."""
        of = listed_customer(caller, customer_id)

        async def read(session: PooledSession) -> list[ShopOrder]:
            return await orders_before(session, of, status, after, limit + 1)

        found = await database.read(read, is_snapshot=True)
        shown = found[:limit]
        return OrderPage(orders=shown, next=shown[-1].order_id if len(found) > limit else None)

    @endpoints.get("/shop/v1/orders/{order_id}", responses=_NOT_FOUND)
    async def show_order(caller: ReadingCaller, order_id: OrderId) -> ShopOrder:
        """One order, with its lines and payments."""
        return await _own_order(database, caller, order_id)

    @endpoints.post("/shop/v1/orders/{order_id}/cancel", responses=_CHANGE)
    async def cancel(request: Request, caller: WritingCaller, order_id: OrderId) -> ShopOrder:
        """Cancel an order that was not shipped: its cases can be ordered by others, its payment is given back."""
        await _own_order(database, caller, order_id)
        change = change_of(request, caller, "cancel-order", None, order_id)
        order, _ = await make_once(database, change, lambda session: cancel_order(session, order_id), known_order)
        return order

    @endpoints.post("/shop/v1/orders/{order_id}/status", responses=_CHANGE | responses(HTTPStatus.BAD_REQUEST))
    async def advance(request: Request, caller: ManagingCaller, order_id: OrderId, wanted: OrderProgress) -> ShopOrder:
        """Take an order one step further: paid, shipped, delivered."""
        change = change_of(request, caller, "advance-order", wanted, order_id)
        order, _ = await make_once(
            database, change, lambda session: advance_order(session, order_id, wanted.status), known_order
        )
        return order

    return endpoints


async def _own_order(database: MySqlDatabase, caller: ApiCaller, order_id: int) -> ShopOrder:
    """Another customer's order is not there: not even that there is one is answered."""

    async def read(session: PooledSession) -> ShopOrder | None:
        return await order_by_id(session, order_id)

    order = await database.read(read)
    if order is None or not reaches(caller, order.customer_id):
        raise no_such_order(order_id)
    return order
