"""How a shop goes on while it is extracted: what days, slow programs, the law and developers do to its tables."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any


def one_more_day(connection: Any, random: Random) -> None:
    """Orders move on, some are cancelled, and new ones come in; the server itself sets `updated_at`."""
    with connection.cursor() as cursor:
        cursor.execute("update orders set status = 'shipped' where status = 'paid'")
        cursor.execute("update orders set status = 'paid' where status = 'placed'")
        cursor.execute("update payments set status = 'captured' where status = 'authorized'")
        cursor.execute("select customer_id from customers order by customer_id limit 20")
        customers = [row[0] for row in cursor.fetchall()]
        for _ in range(random.randrange(3, 9)):
            _order(cursor, random, random.choice(customers))
    connection.commit()


def late_order(connection: Any, random: Random) -> Callable[[], None]:
    """An order in a transaction that stays open: it is there, with the time of now, once the result is called."""
    connection.begin()
    with connection.cursor() as cursor:
        cursor.execute("select min(customer_id) from customers")
        ((customer,),) = cursor.fetchall()
        _order(cursor, random, customer)
    return connection.commit  # type: ignore[no-any-return]  # of a DB-API, which is not typed here


def forget_customer(connection: Any) -> int:
    """The newest customer wants to be forgotten; their orders stay."""
    with connection.cursor() as cursor:
        cursor.execute("select max(customer_id) from customers")
        ((customer,),) = cursor.fetchall()
        cursor.execute("delete from customers where customer_id = %s", (customer,))
    connection.commit()
    return int(customer)


def new_column(connection: Any) -> None:
    """Developers add a column, which has a value in every row although no row was written."""
    with connection.cursor() as cursor:
        cursor.execute("alter table orders add column channel varchar(16) not null default 'web'")


def _order(cursor: Any, random: Random, customer: int) -> None:
    cursor.execute(
        "select product_id, case_price from product_prices where (product_id, valid_from) in"
        " (select product_id, max(valid_from) from product_prices group by product_id) order by product_id"
    )
    product, price = random.choice(cursor.fetchall())
    quantity = random.randrange(1, 4)
    total = Decimal(price) * quantity
    now = "timestampadd(hour, 9, utc_timestamp(6))"
    cursor.execute(f"insert into orders (customer_id, total, ordered_at) values (%s, %s, {now})", (customer, total))
    order = cursor.lastrowid
    cursor.execute(
        "insert into order_lines (order_id, line_no, product_id, quantity, case_price, ordered_at)"
        " select order_id, 1, %s, %s, %s, ordered_at from orders where order_id = %s",
        (product, quantity, price, order),
    )
    cursor.execute(
        "insert into payments (order_id, method, status, amount, created_at)"
        " select order_id, 'card', 'authorized', total, ordered_at from orders where order_id = %s",
        (order,),
    )
