"""Subscriptions in the shop's database: what a customer gets again and again."""

from http import HTTPStatus

from vending_platform.service.mysql import PooledSession, Row
from vending_platform.service.shop.changes import Effect
from vending_platform.service.shop.models import (
    NewSubscription,
    ShopSubscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from vending_platform.service.shop.products import IN_JAPAN
from vending_platform.service.web import HttpProblem, not_found

_SELECT = (
    "select subscription_id, customer_id, product_id, quantity, every_days, status, started_on, ended_on"
    " from subscriptions"
)


async def begin_subscription(session: PooledSession, wanted: NewSubscription) -> Effect:
    product = await session.row(
        "select product_id from products where product_id = %s and is_active = 1", wanted.product_id
    )
    if product is None or product[0] != wanted.product_id:
        raise HttpProblem(HTTPStatus.CONFLICT, "not-available", f"{wanted.product_id} is not on sale")
    if (
        await session.row("select 1 from customers where customer_id = %s lock in share mode", wanted.customer_id)
        is None
    ):
        raise HttpProblem(HTTPStatus.CONFLICT, "no-such-customer", f"there is no customer {wanted.customer_id}")
    await session.run(
        "insert into subscriptions (customer_id, product_id, quantity, every_days, started_on)"
        f" values (%s, %s, %s, %s, coalesce(%s, date({IN_JAPAN})))",
        *(wanted.customer_id, wanted.product_id, wanted.cases, wanted.every_days, wanted.starts_on),
    )
    return Effect(session.last_id, wanted.model_dump(mode="json", exclude_none=True))


async def change_subscription(session: PooledSession, subscription_id: int, wanted: SubscriptionChange) -> Effect:
    row = await session.row("select status from subscriptions where subscription_id = %s for update", subscription_id)
    if row is None:
        raise no_such_subscription(subscription_id)
    changed = wanted.model_dump(mode="json", exclude_none=True)
    if row[0] == SubscriptionStatus.ENDED and wanted.status is not SubscriptionStatus.ENDED:
        raise HttpProblem(
            HTTPStatus.CONFLICT, "wrong-status", f"subscription {subscription_id} has ended: begin a new one"
        )
    if not changed or row[0] == SubscriptionStatus.ENDED:
        return Effect(subscription_id)
    columns = {"quantity": wanted.cases, "every_days": wanted.every_days, "status": wanted.status}
    set_now = {name: value for name, value in columns.items() if value is not None}
    assignments = [f"{name} = %s" for name in set_now]
    if wanted.status is SubscriptionStatus.ENDED:
        assignments.append(f"ended_on = date({IN_JAPAN})")
    await session.run(
        f"update subscriptions set {', '.join(assignments)} where subscription_id = %s",
        *(*set_now.values(), subscription_id),
    )
    return Effect(subscription_id, {"from": row[0], **changed})


async def known_subscription(session: PooledSession, subscription_id: int) -> ShopSubscription:
    """`HttpProblem` 404 if there is none of this number."""
    row = await session.row(f"{_SELECT} where subscription_id = %s", subscription_id)
    if row is None:
        raise no_such_subscription(subscription_id)
    return _subscription(row)


async def subscriptions_after(
    session: PooledSession, customer_id: int | None, after: int, limit: int
) -> list[ShopSubscription]:
    """In the order in which they were begun."""
    of, values = ("customer_id = %s and ", [customer_id]) if customer_id is not None else ("", [])
    sql = f"{_SELECT} where {of}subscription_id > %s order by subscription_id limit %s"
    return [_subscription(row) for row in await session.rows(sql, *values, after, limit)]


def no_such_subscription(subscription_id: int) -> HttpProblem:
    return not_found(f"there is no subscription {subscription_id}")


def _subscription(row: Row) -> ShopSubscription:
    number, customer_id, product_id, quantity, every_days, status, started_on, ended_on = row
    return ShopSubscription(
        subscription_id=number,
        customer_id=customer_id,
        product_id=product_id,
        cases=quantity,
        every_days=every_days,
        status=status,
        started_on=started_on,
        ended_on=ended_on,
    )
