"""A small pipeline of functions, and one that stands on its results."""

import polars as pl

from vending_platform.analysis.functions import AtLeast, InputTable, Keys, checked, part

INPUTS = {"loans": InputTable(columns=("reader", "books"), optional=("branch",))}
EACH_DAY = True


@part
def tidy_loans(loans: pl.DataFrame) -> pl.DataFrame:
    """Loans with numbers."""
    return loans.with_columns(pl.col("books").cast(pl.Int64))


@checked(Keys("reader"), AtLeast(1, "books"))
def books_per_reader(tidy_loans: pl.DataFrame) -> pl.DataFrame:
    """How many each reader has."""
    return tidy_loans.group_by("reader").agg(pl.col("books").sum()).sort("reader")


def most_books(books_per_reader: pl.DataFrame) -> pl.DataFrame:
    return books_per_reader.sort("books", descending=True).head(1)


@checked(AtLeast(10, "books", importance="warn"))
def all_books(tidy_loans: pl.DataFrame) -> pl.DataFrame:
    return tidy_loans.select(pl.col("books").sum())
