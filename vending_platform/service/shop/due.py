"""What is due in the shop: the orders of subscriptions, each placed once, however often and by however many this runs.

An order is due on a subscription's first day and every so many days after it. One that could not be placed on its day
(nothing was running, nothing was in stock) is placed on one of the days after it, unless the next one is due by then.
The token of the change is made of the subscription and the day, so of two workers, or after a commit whose answer was
lost, one order is placed. A subscription that was paused, or that has ordered since, has nothing due.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from vending_platform.environment import AwsTarget, DatabaseApiSettings
from vending_platform.service.mysql import MySqlDatabase, PooledSession, database_of
from vending_platform.service.shop.changes import Effect, RequestedChange, make_once
from vending_platform.service.shop.models import NewOrder, PaymentMethod
from vending_platform.service.shop.orders import place_order
from vending_platform.service.shop.products import IN_JAPAN
from vending_platform.service.web import HttpProblem

LATE_DAYS = 7
"""For so long after its day an order is still placed."""
_PAGE = 500
_CALLER = "subscriptions"
_ACTION = "place-due-order"
_LATE = "datediff(%s, started_on) %% every_days"
_DUE_ON = f"date_sub(%s, interval {_LATE} day)"
_NOT_ORDERED_SINCE = (
    "not exists (select 1 from orders where orders.subscription_id = subscriptions.subscription_id"
    f" and orders.ordered_at >= {_DUE_ON})"
)
_RESUMED = (
    "(select timestampadd(hour, 9, convert_tz(max(changed_at), @@session.time_zone, '+00:00')) from api_changes"
    " where action = 'change-subscription' and subject_id = subscriptions.subscription_id"
    ' and details like \'%%"from":"paused"%%\')'
)
"""A day that passed during a pause is none on which an order was due."""
_IS_DUE = (
    f"status = 'active' and started_on <= %s and {_LATE} <= {LATE_DAYS} and {_NOT_ORDERED_SINCE}"
    f" and {_DUE_ON} >= coalesce(date({_RESUMED}), started_on)"
)
_TODAYS = 6
"""How often today stands in that."""


@dataclass(frozen=True)
class DueOrder:
    subscription_id: int
    customer_id: int
    day: date
    """On which it was due."""


@dataclass
class DueDone:
    """What one look at all subscriptions did."""

    placed: list[int] = field(default_factory=list)
    """Numbers of orders."""
    by_others: int = 0
    """Of orders that another worker placed meanwhile, or that are not due any more."""
    problems: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return f"{len(self.placed):,} order{'s' if len(self.placed) != 1 else ''} of subscriptions placed."


class _NotDue(Exception):
    """It was paused, ended or ordered meanwhile."""


def do_due(name: str, settings: DatabaseApiSettings, aws: AwsTarget | None) -> DueDone:
    """For the terminal and a scheduler: all that is due now."""

    async def work() -> DueDone:
        database = database_of(name, settings, aws)
        try:
            return await place_due_orders(database)
        finally:
            await database.close()

    return asyncio.run(work())


async def place_due_orders(database: MySqlDatabase, today: date | None = None) -> DueDone:
    """One after the other, each in a transaction of its own. What is wrong with one stops no other."""
    done, run = DueDone(), secrets.token_hex(8)
    day = today if today is not None else await database.read(_today)
    after = 0
    while found := await _due_after(database, day, after):
        after = found[-1].subscription_id
        for one in found:
            await _place(database, one, day, run, done)
    return done


async def _place(database: MySqlDatabase, due: DueOrder, today: date, run: str, done: DueDone) -> None:
    token = hashlib.sha256(f"due\0{due.subscription_id}\0{due.day}".encode()).digest()
    change = RequestedChange(_ACTION, token, token, _CALLER, f"{run}-{due.subscription_id}")

    async def work(session: PooledSession) -> Effect:
        await _lock(session, due, today)
        wanted = NewOrder(
            customer_id=due.customer_id,
            subscription_id=due.subscription_id,
            payment_method=await _payment_method(session, due),
        )
        effect = await place_order(session, wanted)
        return Effect(effect.subject_id, {**effect.details, "due": due.day})

    async def found(_: PooledSession, order_id: int) -> int:
        return order_id

    try:
        order_id, is_repeated = await make_once(database, change, work, found)
    except _NotDue:
        done.by_others += 1
    except HttpProblem as problem:
        done.problems.append(_in_words(due, problem))
    else:
        if is_repeated:
            done.by_others += 1
        else:
            done.placed.append(order_id)


async def _lock(session: PooledSession, due: DueOrder, today: date) -> None:
    """From here on no one pauses it, or changes its cases, until the order is placed."""
    await session.row(
        "select 1 from subscriptions where subscription_id = %s for update", due.subscription_id
    )  # before the first read, so that all of them see what was committed until now
    sql = f"select {_DUE_ON} from subscriptions where subscription_id = %s and {_IS_DUE}"
    row = await session.row(sql, today, today, due.subscription_id, *[today] * _TODAYS)
    if row is None or row[0] != due.day:
        raise _NotDue


async def _payment_method(session: PooledSession, due: DueOrder) -> PaymentMethod:
    """As the customer paid the last time; who never ordered gets an invoice."""
    row = await session.row(
        "select method from orders join payments on payments.order_id = orders.order_id where customer_id = %s"
        " order by (subscription_id <=> %s) desc, orders.order_id desc, payment_id desc limit 1",
        *(due.customer_id, due.subscription_id),
    )
    return PaymentMethod(row[0]) if row is not None else PaymentMethod.INVOICE


async def _due_after(database: MySqlDatabase, today: date, after: int) -> Sequence[DueOrder]:
    async def read(session: PooledSession) -> Sequence[DueOrder]:
        rows = await session.rows(
            f"select subscription_id, customer_id, {_DUE_ON} from subscriptions"
            f" where subscription_id > %s and {_IS_DUE} order by subscription_id limit {_PAGE}",
            *(today, today, after, *[today] * _TODAYS),
        )
        return [DueOrder(*row) for row in rows]

    return await database.read(read)


async def _today(session: PooledSession) -> date:
    row = await session.row(f"select date({IN_JAPAN})")
    assert row is not None, "a select without a table has one row"
    day: date = row[0]
    return day


def _in_words(due: DueOrder, problem: HttpProblem) -> str:
    why = "; ".join(one.problem for one in problem.invalid) or problem.detail
    return f"subscription {due.subscription_id}, due {due.day}: {why}"
