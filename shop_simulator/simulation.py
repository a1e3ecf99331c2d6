"""What happens in the shop: customers register, order by hand and by subscription, pay, and sometimes cancel.

The same arguments give the same shop. Prices change once a year; an office orders more than a studio, and no one on
Sundays.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

Row = tuple[Any, ...]
_SEGMENTS = {"office": 1.0, "clinic": 0.6, "school": 0.5, "studio": 0.3}
_PREFECTURES = ("東京都", "神奈川県", "千葉県", "埼玉県", "大阪府", "愛知県")
_FAMILIES = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "髙﨑", "𠮷田")
_FIRMS = ("商事", "製作所", "クリニック", "学園", "デザイン", "工業", "システム", "事務所")
_JAPAN = timedelta(hours=9)
_PER_CASE = 24
_CANCELLED, _REFUSED = 0.04, 0.02
_NOTES = (None, None, None, "急ぎでお願いします", "裏口に\n置いてください", "", "領収書\t要")


@dataclass(frozen=True)
class Good:
    """A product that the operator also sells in its machines."""

    product_id: str
    name: str
    category_id: str
    list_price: int


@dataclass
class Shop:
    """The rows of every table, in the order of its columns."""

    customers: list[Row] = field(default_factory=list)
    products: list[Row] = field(default_factory=list)
    product_prices: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    order_lines: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)

    def tables(self) -> dict[str, list[Row]]:
        return dict(vars(self))

    def sales(self) -> dict[tuple[date, str], tuple[int, Decimal]]:
        """The truth: cases and yen of every day and product, without cancelled orders."""
        sold = {order[0] for order in self.orders if order[3] != "cancelled"}
        found: dict[tuple[date, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for order_id, _, product_id, quantity, price, ordered_at, _ in self.order_lines:
            if order_id in sold:
                cases, yen = found[ordered_at.date(), product_id]
                found[ordered_at.date(), product_id] = (cases + quantity, yen + quantity * price)
        return dict(found)


def goods_of(products: Path) -> list[Good]:
    """The operator's products, from the master data as it is delivered."""
    with products.open(encoding="utf-8", newline="") as file:
        return [
            Good(row["product_id"], row["product_name"], row["category_id"], int(row["list_price"]))
            for row in csv.DictReader(file)
        ]


def simulate(
    goods: list[Good], *, seed: int, customers: int = 60, first_day: date = date(2023, 10, 1), days: int = 167
) -> Shop:
    """Everything that has happened until the end of the last day."""
    return _Simulation(goods, Random(seed), first_day, days).run(customers)


class _Simulation:
    def __init__(self, goods: list[Good], random: Random, first_day: date, days: int) -> None:
        self.goods, self.random, self.first_day = goods, random, first_day
        self.days = [first_day + timedelta(days=number) for number in range(days)]
        self.end = datetime.combine(self.days[-1] + timedelta(days=1), time())
        self.shop = Shop()
        self.prices: dict[tuple[str, int], Decimal] = {}

    def run(self, customers: int) -> Shop:
        self._sell()
        for number in range(1, customers + 1):
            self._register(number)
        by_day: dict[date, list[int]] = defaultdict(list)
        for subscription in self.shop.subscriptions:
            day, ended = subscription[6], subscription[7] or self.end.date()
            while day < ended:
                by_day[day].append(subscription[0])
                day += timedelta(days=subscription[4])
        for day in self.days:
            self._day(day, by_day[day])
        return self.shop

    def _sell(self) -> None:
        years = sorted({day.year for day in self.days})
        for good in self.goods:
            case = Decimal(good.list_price * _PER_CASE)
            for year in years:
                price = (case * (Decimal("0.85") + Decimal("0.02") * (year - years[0]))).quantize(Decimal("0.01"))
                self.prices[good.product_id, year] = price
                valid_from = max(date(year, 1, 1), self.first_day)
                self.shop.product_prices.append((good.product_id, valid_from, price, _utc(valid_from)))
            stock = self.random.randrange(20, 400)
            row = (good.product_id, good.name, good.category_id, _PER_CASE, stock, 1, _utc(self.first_day))
            self.shop.products.append(row)

    def _register(self, number: int) -> None:
        random = self.random
        day = self.days[min(int(random.betavariate(1, 2.5) * len(self.days)), len(self.days) - 1)]
        at = datetime.combine(day, time(random.randrange(8, 19), random.randrange(60)))
        segment = random.choices(list(_SEGMENTS), weights=(6, 3, 2, 2))[0]
        family = random.choice(_FAMILIES)
        company = f"{random.choice(_FAMILIES)}{random.choice(_FIRMS)}"
        place, email = random.choice(_PREFECTURES), f"c{number:05d}@example.com"
        self.shop.customers.append(
            (number, email, company, family, segment, place, random.randrange(2), at, at - _JAPAN)
        )
        if random.random() < 0.35:
            started = day + timedelta(days=random.randrange(1, 10))
            ended = started + timedelta(days=random.randrange(40, 120)) if random.random() < 0.3 else None
            if ended is not None and ended >= self.end.date():
                ended = None
            good, every = random.choice(self.goods), random.choice((7, 14, 30))
            status = "ended" if ended is not None else "active"
            identity = len(self.shop.subscriptions) + 1
            row = (identity, number, good.product_id, random.randrange(1, 4), every, status, started, ended)
            self.shop.subscriptions.append((*row, _utc(ended or started)))

    def _day(self, day: date, subscriptions: list[int]) -> None:
        due: list[tuple[int, int | None]] = [(self.shop.subscriptions[one - 1][1], one) for one in subscriptions]
        if day.weekday() != 6:
            for customer in self.shop.customers:
                rate = 0.06 * _SEGMENTS[customer[4]]
                if customer[7].date() <= day and self.random.random() < rate:
                    due.append((customer[0], None))
        for customer_id, subscription_id in due:
            at = datetime.combine(day, time(self.random.randrange(8, 20), self.random.randrange(60)))
            self._order(customer_id, subscription_id, at + timedelta(microseconds=self.random.randrange(10**6)))

    def _order(self, customer_id: int, subscription_id: int | None, at: datetime) -> None:
        random, order_id = self.random, len(self.shop.orders) + 1
        if subscription_id is not None:
            subscription = self.shop.subscriptions[subscription_id - 1]
            items = [(subscription[2], subscription[3])]
        else:
            chosen = random.sample(self.goods, min(random.randrange(1, 4), len(self.goods)))
            items = [(good.product_id, random.randrange(1, 6)) for good in chosen]
        status, changed = self._fate(at)
        total = Decimal(0)
        for line, (product_id, quantity) in enumerate(items, start=1):
            price = self.prices[product_id, at.year]
            total += price * quantity
            self.shop.order_lines.append((order_id, line, product_id, quantity, price, at, at - _JAPAN))
        self.shop.orders.append(
            (order_id, customer_id, subscription_id, status, total, random.choice(_NOTES), at, changed - _JAPAN)
        )
        self._pay(order_id, status, total, at, changed)

    def _fate(self, at: datetime) -> tuple[str, datetime]:
        """How far an order has come by the end, and when that was."""
        if self.random.random() < _CANCELLED:
            return "cancelled", min(at + timedelta(hours=3), self.end)
        for status, days in (("delivered", 4), ("shipped", 2), ("paid", 1)):
            if at + timedelta(days=days) <= self.end:
                return status, at + timedelta(days=days)
        return "placed", at

    def _pay(self, order_id: int, status: str, total: Decimal, at: datetime, changed: datetime) -> None:
        method = self.random.choice(("card", "card", "invoice", "konbini"))
        if self.random.random() < _REFUSED:
            self._payment(order_id, method, "failed", total, at, at)
        if status == "cancelled":
            self._payment(order_id, method, "refunded", total, at, changed)
        else:
            self._payment(order_id, method, "authorized" if status == "placed" else "captured", total, at, changed)

    def _payment(
        self, order_id: int, method: str, status: str, total: Decimal, at: datetime, changed: datetime
    ) -> None:
        payment_id = len(self.shop.payments) + 1
        self.shop.payments.append((payment_id, order_id, method, status, total, at, changed - _JAPAN))


def _utc(day: date) -> datetime:
    return datetime.combine(day, time()) - _JAPAN
