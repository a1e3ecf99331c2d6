"""The processor's books: a line per day of sale, way to pay and kind, with a fee that a whole period rounds once."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

_TERMS = {"card": ("half_month", 15), "e_money": ("month", 30), "qr": ("month", 30)}
"""When a period closes, and how many days later it is paid out, as the contract with the processor says."""


@dataclass(frozen=True)
class Line:
    """As the API reports it; money is whole yen, and a line that is not paid out has no payout."""

    settlement_id: str
    sales_date: str
    payment_method_id: str
    kind: str
    payments: int
    gross_amount: int
    fee_amount: int
    net_amount: int
    payout_id: str | None
    paid_on: str | None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Planted:
    """What the processor got wrong for a day of one way to pay: by `yen` it pays out less than it owes."""

    kind: str
    sales_date: str
    payment_method_id: str
    yen: int


@dataclass(frozen=True)
class Settled:
    lines: Mapping[str, list[Line]]
    planted: tuple[Planted, ...]


@dataclass
class _Day:
    sold: int = 0
    sales: int = 0
    given_back: int = 0
    refunds: int = 0


def simulate(sources: Path, *, seed: int, paid_until: date = date(9999, 12, 31)) -> Settled:
    """For the sales that these deliveries report, as far as they can be read. Payouts later than `paid_until` have not
    happened yet."""
    methods = {row["payment_method_id"]: row for row in _rows(sources / "payment_methods.csv")}
    days = _days(sources, methods)
    lines = [line for method in sorted(days) for line in _of_method(methods[method], days[method], paid_until)]
    wrong, planted = _with_mistakes(lines, Random(seed))
    by_day: dict[str, list[Line]] = defaultdict(list)
    for line in sorted(wrong, key=lambda line: (line.sales_date, line.settlement_id)):
        by_day[line.sales_date].append(line)
    return Settled(dict(by_day), planted)


def _days(sources: Path, methods: Mapping[str, Mapping[str, str]]) -> dict[str, dict[date, _Day]]:
    """What was sold by each way to pay without cash, by day; a vend that was delivered twice was paid once."""
    seen: set[str] = set()
    days: dict[str, dict[date, _Day]] = defaultdict(lambda: defaultdict(_Day))
    for path in sorted(sources.glob("sales_*_????????.csv")):
        text = path.stem.rsplit("_", 1)[1]
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        for row in _rows(path):
            method, vend = methods.get(row.get("payment_method_id") or ""), row.get("transaction_id") or ""
            yen = _yen(row)
            if method is None or method["payment_type"] == "cash" or vend in seen or yen is None:
                continue
            seen.add(vend)
            of_day = days[method["payment_method_id"]][day]
            match row.get("status"):
                case "completed":
                    of_day.sold, of_day.sales = of_day.sold + 1, of_day.sales + yen
                case "refunded":
                    of_day.refunds, of_day.given_back = of_day.refunds + 1, of_day.given_back + yen
    return days


def _of_method(method: Mapping[str, str], days: Mapping[date, _Day], paid_until: date) -> Iterator[Line]:
    closes, days_to_payout = _TERMS[method["payment_type"]]
    rate, name = Decimal(method["fee_rate"]), method["payment_method_id"]
    in_period: dict[date, int] = defaultdict(int)
    charged: dict[date, int] = defaultdict(int)
    for day, of_day in sorted(days.items()):
        ends = _period_end(day, closes)
        in_period[ends] += of_day.sales
        fee = int((in_period[ends] * rate).quantize(Decimal(1), ROUND_HALF_UP)) - charged[ends]
        charged[ends] += fee
        paid_on = ends + timedelta(days=days_to_payout)
        payout = (None, None) if paid_on > paid_until else (f"PO-{name}-{ends:%Y%m%d}", paid_on.isoformat())
        kinds = (
            ("sale", of_day.sold + of_day.refunds, of_day.sales + of_day.given_back, fee),
            ("refund", of_day.refunds, -of_day.given_back, 0),
        )
        for kind, count, gross, kept in kinds:
            if count:
                number = f"ST-{day:%Y%m%d}-{name}-{kind}"
                yield Line(number, day.isoformat(), name, kind, count, gross, kept, gross - kept, *payout)


def _with_mistakes(lines: list[Line], chance: Random) -> tuple[list[Line], tuple[Planted, ...]]:
    """Four of them, each for another day: a payment that is missing, a fee too high, money that a customer claimed
    back, and a line that was never paid out."""
    sales = [line for line in lines if line.kind == "sale" and line.payments > 3]
    short, dear, claimed, unpaid = chance.sample(sales, 4)
    missing = short.gross_amount // short.payments
    extra = max(40, dear.fee_amount)
    back = claimed.gross_amount // claimed.payments
    changed = {
        short.settlement_id: replace(
            short,
            payments=short.payments - 1,
            gross_amount=short.gross_amount - missing,
            net_amount=short.net_amount - missing,
        ),
        dear.settlement_id: replace(dear, fee_amount=dear.fee_amount + extra, net_amount=dear.net_amount - extra),
        unpaid.settlement_id: replace(unpaid, payout_id=None, paid_on=None),
    }
    chargeback = replace(
        claimed,
        settlement_id=claimed.settlement_id.replace("-sale", "-chargeback"),
        kind="chargeback",
        payments=1,
        gross_amount=-back,
        fee_amount=0,
        net_amount=-back,
    )
    planted = (
        Planted("a payment is missing", short.sales_date, short.payment_method_id, missing),
        Planted("the fee is too high", dear.sales_date, dear.payment_method_id, extra),
        Planted("a customer claimed money back", claimed.sales_date, claimed.payment_method_id, back),
        Planted("it was not paid out", unpaid.sales_date, unpaid.payment_method_id, 0),
    )
    return [*(changed.get(line.settlement_id, line) for line in lines), chargeback], planted


def _period_end(day: date, closes: str) -> date:
    if closes == "half_month" and day.day <= 15:
        return day.replace(day=15)
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _rows(path: Path) -> Iterable[Mapping[str, str]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp932", "replace")
    return csv.DictReader(io.StringIO(text))


def _yen(row: Mapping[str, str]) -> int | None:
    quantity, price = row.get("quantity") or "", row.get("unit_price") or ""
    return int(quantity) * int(price) if quantity.isdecimal() and price.isdecimal() else None
