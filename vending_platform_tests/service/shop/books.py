"""What the shop's database holds after a storm, against what the clients were answered: to the unit and the yen."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.shop.storm import Answers


def check_books(
    server: MariaDb, database: str, stock_before: Mapping[str, int], answers: Answers, after: int = 0
) -> None:
    """Of the orders with a higher number than `after`."""
    with server.connect(database) as connection, connection.cursor() as cursor:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        orders = rows(f"select order_id, status, total from orders where order_id > {after}")
        _no_order_is_lost_or_doubled(orders, answers)
        lines = rows(
            "select order_id, product_id, quantity, quantity * case_price from order_lines"
            f" where order_id > {after} order by order_id, line_no"
        )
        _lines_are_those_ordered(lines, answers)
        stock = dict(rows("select product_id, stock from products"))
        sold = Counter[str]()
        for order in answers.placed.values():
            if not order.is_cancelled:
                sold.update(dict(order.cases))
        assert stock == {product: count - sold[product] for product, count in stock_before.items()}
        reserved = rows("select order_id, product_id, quantity, status from stock_reservations")
        assert sorted(reserved) == sorted(
            (order.order_id, product, count, "released" if order.is_cancelled else "held")
            for order in answers.placed.values()
            for product, count in order.cases
        )
        payments = rows(f"select order_id, status, amount from payments where order_id > {after}")
        assert sorted(payments) == sorted(
            (order.order_id, "refunded" if order.is_cancelled else "authorized", Decimal(order.total))
            for order in answers.placed.values()
        )
        actions = Counter(dict(rows("select action, count(*) from api_changes group by action")))
        assert actions["place-order"] == len(answers.placed)
        assert rows("select count(*) from api_changes where subject_id is null") == [(0,)]


def _no_order_is_lost_or_doubled(orders: list[tuple[Any, ...]], answers: Answers) -> None:
    assert len({order.order_id for order in answers.placed.values()}) == len(answers.placed)
    assert sorted(orders) == sorted(
        (order.order_id, "cancelled" if order.is_cancelled else "placed", Decimal(order.total))
        for order in answers.placed.values()
    )


def _lines_are_those_ordered(lines: list[tuple[Any, ...]], answers: Answers) -> None:
    assert [(order_id, product, quantity) for order_id, product, quantity, _ in lines] == [
        (order.order_id, product, count)
        for order in sorted(answers.placed.values(), key=lambda one: one.order_id)
        for product, count in order.cases
    ]
    totals = Counter[int]()
    for order_id, _, _, amount in lines:
        totals[order_id] += amount
    assert totals == {order.order_id: Decimal(order.total) for order in answers.placed.values()}
