"""Sales as a machine would report them, all texts, as a CSV file has them."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from vending_platform.analysis import Pipeline, analyse, load_pipelines, together

FIRST = date(2024, 3, 4)
"""A Monday."""


def pipeline() -> Pipeline:
    return together(load_pipelines("vending_platform.defs.vending.analysis"), "vending")


def sale(number: int = 1, **changed: str | None) -> dict[str, str | None]:
    return {
        "transaction_id": f"VM001-{number:05}",
        "machine_id": "VM001",
        "product_id": "P0001",
        "sold_at": f"{FIRST} 09:00:00",
        "quantity": "1",
        "unit_price": "130",
        "status": "completed",
        **changed,
    }


def sales(*rows: Mapping[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys(sale(), pl.String))


def results(rows: pl.DataFrame, *names: str) -> tuple[pl.DataFrame, ...]:
    done = analyse(pipeline(), {"fct_sales": rows}, names)
    assert done.is_whole, done.problem
    return tuple(done.results[name] for name in names)


def days(units: Mapping[int, int], machine: str = "VM001", first: date = FIRST) -> pl.DataFrame:
    """A sale of so many units on each of these days, counted from the first."""
    return sales(
        *(
            sale(
                1000 * number + part,
                transaction_id=f"{machine}-{number}-{part}",
                machine_id=machine,
                sold_at=f"{first + timedelta(days=number)} 10:00:00",
                quantity=str(quantity),
            )
            for number, count in units.items()
            for part, quantity in enumerate([99] * (count // 99) + [count % 99] * (count % 99 > 0))
        )
    )
