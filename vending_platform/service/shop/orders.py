"""Orders in the shop's database: placed with their stock reserved, taken on, cancelled."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from decimal import Decimal
from http import HTTPStatus

from vending_platform.service.mysql import PooledSession, Row
from vending_platform.service.shop.changes import Effect
from vending_platform.service.shop.models import (
    NewOrder,
    OrderLine,
    OrderPayment,
    OrderStatus,
    PaymentStatus,
    ProgressStatus,
    ShopOrder,
)
from vending_platform.service.shop.products import lock_stock, move_stock
from vending_platform.service.web import HttpProblem, InvalidInput, not_found

JAPAN = timezone(timedelta(hours=9))
_MOST_YEN = Decimal("9999999999.99")
"""What the column holds."""
_BEFORE = {
    OrderStatus.PAID: OrderStatus.PLACED,
    OrderStatus.SHIPPED: OrderStatus.PAID,
    OrderStatus.DELIVERED: OrderStatus.SHIPPED,
}
_CAN_BE_CANCELLED = (OrderStatus.PLACED, OrderStatus.PAID)
_WHOLE = """
select 'order', order_id, customer_id, subscription_id, status, total, note, ordered_at from orders
where order_id in ({ids})
union all
select 'line', order_id, line_no, quantity, product_id, case_price, null, null from order_lines
where order_id in ({ids})
union all
select 'payment', order_id, payment_id, null, status, amount, method, null from payments
where order_id in ({ids})
"""
"""Orders with all that belongs to them, in one statement: so as of one moment, and with one way to the database."""


async def place_order(session: PooledSession, wanted: NewOrder) -> Effect:
    """Takes the cases out of the stock and writes the order, its lines, its payment and its reservations."""
    await _refuse_unknown_customer(session, wanted.customer_id)
    cases = await _wanted_cases(session, wanted)
    known, at = await lock_stock(session, list(cases))
    prices = _prices(cases, known)
    total = sum((prices[product] * count for product, count in cases.items()), Decimal(0))
    if total > _MOST_YEN:
        raise _refused("too-expensive", "an order of more than 9,999,999,999.99 yen can't be placed: divide it")
    await move_stock(session, {product: -count for product, count in cases.items()})
    await session.run(
        "insert into orders (customer_id, subscription_id, total, note, ordered_at) values (%s, %s, %s, %s, %s)",
        *(wanted.customer_id, wanted.subscription_id, total, wanted.note, at),
    )
    order_id = session.last_id
    lines = [
        (order_id, line, product, count, prices[product], at)
        for line, (product, count) in enumerate(cases.items(), start=1)
    ]
    await _insert(session, "order_lines (order_id, line_no, product_id, quantity, case_price, ordered_at)", lines)
    held = [(order_id, product, count) for product, count in cases.items()]
    await _insert(session, "stock_reservations (order_id, product_id, quantity)", held)
    await session.run(
        "insert into payments (order_id, method, status, amount, created_at) values (%s, %s, %s, %s, %s)",
        *(order_id, wanted.payment_method.value, PaymentStatus.AUTHORIZED.value, total, at),
    )
    return Effect(order_id, {"status": OrderStatus.PLACED, "total": total, "cases": cases})


async def advance_order(session: PooledSession, order_id: int, wanted: ProgressStatus) -> Effect:
    """One step further; where it is there already, nothing happens."""
    status, target = await _locked_status(session, order_id), OrderStatus(wanted)
    if status is target:
        return Effect(order_id, {"status": status})
    if status is not _BEFORE[target]:
        raise _refused("wrong-status", f"order {order_id} is {status}, so it can't be {target} next")
    await _set_status(session, order_id, target)
    if target is OrderStatus.PAID:
        await _set_payments(session, order_id, PaymentStatus.CAPTURED)
    if target is OrderStatus.SHIPPED:
        await session.run("update stock_reservations set status = 'shipped' where order_id = %s", order_id)
    return Effect(order_id, {"from": status, "status": target})


async def cancel_order(session: PooledSession, order_id: int) -> Effect:
    """Its cases are in the stock again and its payments are given back. A second time nothing happens."""
    status = await _locked_status(session, order_id)
    if status is OrderStatus.CANCELLED:
        return Effect(order_id, {"status": status})
    if status not in _CAN_BE_CANCELLED:
        raise _refused("wrong-status", f"order {order_id} is {status}, and can't be cancelled any more")
    held = await session.rows(
        "select product_id, quantity from stock_reservations where order_id = %s and status = 'held'"
        " order by product_id for update",
        order_id,
    )
    if held:  # an order that was not placed here reserved nothing
        await lock_stock(session, [product for product, _ in held])
        await move_stock(session, dict(held))
        await session.run("update stock_reservations set status = 'released' where order_id = %s", order_id)
    await _set_status(session, order_id, OrderStatus.CANCELLED)
    await _set_payments(session, order_id, PaymentStatus.REFUNDED)
    return Effect(order_id, {"from": status, "status": OrderStatus.CANCELLED})


async def order_by_id(session: PooledSession, order_id: int) -> ShopOrder | None:
    found = await _whole_orders(session, [order_id])
    return found[0] if found else None


async def known_order(session: PooledSession, order_id: int) -> ShopOrder:
    """`HttpProblem` 404 if there is none of this number."""
    if (order := await order_by_id(session, order_id)) is None:
        raise no_such_order(order_id)
    return order


async def orders_before(
    session: PooledSession, customer_id: int | None, status: OrderStatus | None, after: int | None, limit: int
) -> list[ShopOrder]:
    """The newest first, from the one before `after` on."""
    conditions, values = ["true"], list[object]()
    for condition, value in (("customer_id = %s", customer_id), ("status = %s", status), ("order_id < %s", after)):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    sql = f"select order_id from orders where {' and '.join(conditions)} order by order_id desc limit %s"
    rows = await session.rows(sql, *values, limit)
    return await _whole_orders(session, [row[0] for row in rows])


def no_such_order(order_id: int) -> HttpProblem:
    return not_found(f"there is no order {order_id}")


async def _whole_orders(session: PooledSession, ids: Sequence[int]) -> list[ShopOrder]:
    """In the order of these numbers."""
    if not ids:
        return []
    parts: dict[tuple[str, int], list[Row]] = {}
    for kind, order_id, *values in await session.rows(
        _WHOLE.format(ids=", ".join(["%s"] * len(ids))), *(*ids, *ids, *ids)
    ):
        parts.setdefault((kind, order_id), []).append(tuple(values))
    return [
        _order(order_id, row, parts.get(("line", order_id), []), parts.get(("payment", order_id), []))
        for order_id in ids
        for row in parts.get(("order", order_id), [])
    ]


def _order(order_id: int, row: Row, lines: Sequence[Row], payments: Sequence[Row]) -> ShopOrder:
    customer_id, subscription_id, status, total, note, ordered_at = row
    return ShopOrder(
        order_id=order_id,
        customer_id=customer_id,
        subscription_id=subscription_id,
        status=status,
        total=total,
        note=note,
        ordered_at=ordered_at.replace(tzinfo=JAPAN),
        lines=[
            OrderLine(line=line, product_id=product_id, cases=cases, case_price=price, amount=price * cases)
            for line, cases, product_id, price, *_ in sorted(lines)
        ],
        payments=[
            OrderPayment(payment_id=payment_id, method=method, status=status, amount=amount)
            for payment_id, _, status, amount, method, _ in sorted(payments)
        ],
    )


async def _refuse_unknown_customer(session: PooledSession, customer_id: int) -> None:
    if await session.row("select 1 from customers where customer_id = %s lock in share mode", customer_id) is None:
        raise _refused("no-such-customer", f"there is no customer {customer_id}")


async def _wanted_cases(session: PooledSession, wanted: NewOrder) -> dict[str, int]:
    if wanted.subscription_id is None:
        return {line.product_id: line.cases for line in wanted.lines or ()}
    row = await session.row(
        "select product_id, quantity, status from subscriptions where subscription_id = %s and customer_id = %s",
        *(wanted.subscription_id, wanted.customer_id),
    )
    if row is None or row[2] != "active":
        raise _refused(
            "no-such-subscription",
            f"customer {wanted.customer_id} has no active subscription {wanted.subscription_id}",
        )
    return {row[0]: row[1]}


def _prices(cases: dict[str, int], known: dict[str, tuple[int, Decimal | None]]) -> dict[str, Decimal]:
    """Of all products that are wanted. `HttpProblem` names every line that can't be ordered."""
    prices: dict[str, Decimal] = {}
    problems: list[InvalidInput] = []
    for number, (product, wanted) in enumerate(cases.items()):
        stock, price = known.get(product, (0, None))
        if price is None:
            problems.append(InvalidInput(where=f"body.lines.{number}", problem=f"{product} is not on sale"))
        elif stock < wanted:
            problems.append(InvalidInput(where=f"body.lines.{number}", problem=f"of {product} there are {stock} cases"))
        else:
            prices[product] = price
    if problems:
        raise HttpProblem(
            HTTPStatus.CONFLICT,
            "not-available",
            "nothing was ordered, because not everything is available: see `invalid`",
            invalid=problems,
        )
    return prices


async def _locked_status(session: PooledSession, order_id: int) -> OrderStatus:
    row = await session.row("select status from orders where order_id = %s for update", order_id)
    if row is None:
        raise no_such_order(order_id)
    return OrderStatus(row[0])


async def _set_status(session: PooledSession, order_id: int, status: OrderStatus) -> None:
    await session.run("update orders set status = %s where order_id = %s", status.value, order_id)


async def _set_payments(session: PooledSession, order_id: int, status: PaymentStatus) -> None:
    await session.run(
        "update payments set status = %s where order_id = %s and status <> 'failed'", status.value, order_id
    )


async def _insert(session: PooledSession, into: str, rows: Sequence[Row]) -> None:
    marks = f"({', '.join(['%s'] * len(rows[0]))})"
    values = [value for row in rows for value in row]
    await session.run(f"insert into {into} values {', '.join([marks] * len(rows))}", *values)


def _refused(kind: str, detail: str) -> HttpProblem:
    return HttpProblem(HTTPStatus.CONFLICT, kind, detail)
