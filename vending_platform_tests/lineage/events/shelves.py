"""Functions of a small domain: how much is in stock tomorrow, which comes back as a delivery."""

import polars as pl

from vending_platform.analysis.functions import InputTable, Keys, checked, part
from vending_platform.analysis.results import TooFewRows

INPUTS = {"facts": InputTable(columns=("id", "business_date", "amount"))}
SCHEMA = "ml"
DELIVERED = {"expected_amounts": "expected"}


@part
def sums(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.group_by("business_date").agg(pl.col("amount").sum()).sort("business_date")


@checked(Keys("made_on", "for_day"))
def expected_amounts(sums: pl.DataFrame) -> pl.DataFrame:
    """As much as the last time."""
    last = sums.tail(1)
    return last.select(
        made_on="business_date", for_day=pl.col("business_date") + pl.duration(days=1), expected=pl.col("amount")
    )


def largest(expected_amounts: pl.DataFrame) -> pl.DataFrame:
    return expected_amounts.sort("expected").tail(1)


def trend(sums: pl.DataFrame) -> pl.DataFrame:
    if sums.height < 30:
        raise TooFewRows("a trend needs 30 days")
    return sums


def ratios(sums: pl.DataFrame) -> pl.DataFrame:
    raise ValueError("can't divide by 'Canary'")


def ratio_of_today(ratios: pl.DataFrame) -> pl.DataFrame:
    return ratios.tail(1)
