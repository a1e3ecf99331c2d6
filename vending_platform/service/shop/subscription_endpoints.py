"""Begin a subscription, see and change it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from vending_platform.service.mysql import MySqlDatabase, PooledSession
from vending_platform.service.shop.changes import IdempotencyKey, change_of, make_once
from vending_platform.service.shop.models import (
    MOST_ID,
    AfterRow,
    NewSubscription,
    NewSubscriptionDone,
    PageSize,
    RowId,
    ShopSubscription,
    SubscriptionChange,
    SubscriptionPage,
)
from vending_platform.service.shop.reach import listed_customer, reaches, refuse_others
from vending_platform.service.shop.subscriptions import (
    begin_subscription,
    change_subscription,
    known_subscription,
    no_such_subscription,
    subscriptions_after,
)
from vending_platform.service.web import COMMON_PROBLEMS, ApiCaller, ReadingCaller, WritingCaller, responses

SubscriptionId = Annotated[int, Path(ge=1, le=MOST_ID, description="The subscription's.")]


def subscription_endpoints(database: MySqlDatabase) -> APIRouter:
    endpoints = APIRouter(tags=["subscriptions"], responses=COMMON_PROBLEMS)

    @endpoints.post(
        "/shop/v1/subscriptions",
        status_code=HTTPStatus.CREATED,
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    )
    async def begin(
        request: Request,
        response: Response,
        caller: WritingCaller,
        wanted: NewSubscription,
        idempotency_key: IdempotencyKey,
    ) -> NewSubscriptionDone:
        """Have a product sent again and again."""
        refuse_others(caller, wanted.customer_id)
        change = change_of(request, caller, "begin-subscription", wanted, key=idempotency_key)
        begun, is_repeated = await make_once(
            database, change, lambda session: begin_subscription(session, wanted), known_subscription
        )
        response.headers["Location"] = f"/shop/v1/subscriptions/{begun.subscription_id}"
        return NewSubscriptionDone(subscription=begun, is_repeated=is_repeated)

    @endpoints.get("/shop/v1/subscriptions")
    async def list_subscriptions(
        caller: ReadingCaller,
        customer_id: Annotated[RowId | None, Query()] = None,
        after: AfterRow = None,
        limit: PageSize = 25,
    ) -> SubscriptionPage:
        """The oldest first: the caller's own, or with the permission `manage` everyone's."""
        of = listed_customer(caller, customer_id)

        async def read(session: PooledSession) -> list[ShopSubscription]:
            return await subscriptions_after(session, of, after or 0, limit + 1)

        found = await database.read(read)
        shown = found[:limit]
        return SubscriptionPage(subscriptions=shown, next=shown[-1].subscription_id if len(found) > limit else None)

    @endpoints.get("/shop/v1/subscriptions/{subscription_id}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_subscription(caller: ReadingCaller, subscription_id: SubscriptionId) -> ShopSubscription:
        """One subscription."""
        return await _own_subscription(database, caller, subscription_id)

    @endpoints.patch(
        "/shop/v1/subscriptions/{subscription_id}",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    async def change(
        request: Request, caller: WritingCaller, subscription_id: SubscriptionId, wanted: SubscriptionChange
    ) -> ShopSubscription:
        """Change what is in the body, and nothing else; `ended` ends it for good."""
        await _own_subscription(database, caller, subscription_id)
        made = change_of(request, caller, "change-subscription", wanted, subscription_id)
        changed, _ = await make_once(
            database, made, lambda session: change_subscription(session, subscription_id, wanted), known_subscription
        )
        return changed

    return endpoints


async def _own_subscription(database: MySqlDatabase, caller: ApiCaller, subscription_id: int) -> ShopSubscription:
    async def read(session: PooledSession) -> ShopSubscription:
        return await known_subscription(session, subscription_id)

    found = await database.read(read)
    if not reaches(caller, found.customer_id):
        raise no_such_subscription(subscription_id)
    return found
