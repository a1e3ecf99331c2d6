"""What was sold: clean rows, what cleaning did, the days' sums, and the quality of what came in."""

import polars as pl

from vending_platform.analysis.functions import AtLeast, InputTable, Keys, NoNulls, OneOf, checked, part
from vending_platform.defs.vending.analysis._judging import DROPPED, QUALITY, REPAIRED, judged

INPUTS = {
    "fct_sales": InputTable(
        columns=("transaction_id", "machine_id", "product_id", "sold_at", "quantity", "unit_price", "status"),
        optional=("business_date", "slot_no", "payment_method_id"),
    )
}
EACH_DAY = True
"""A day's results depend on that day's rows alone."""
COUNTS = ("units", "sales", "vends", "failed", "customers")


@part
def judged_sales(fct_sales: pl.DataFrame) -> pl.DataFrame:
    """Every row with its values read, why it is dropped, if it is, and what was repaired in it."""
    return judged(fct_sales)


@checked(
    Keys("transaction_id"),
    NoNulls("transaction_id", "business_date", "sold_at", "machine_id", "product_id", "quantity", "unit_price"),
    OneOf("status", "completed", "refunded", "failed"),
    AtLeast(0, "unit_price", "units", "sales"),
)
def cleaned_sales_data(judged_sales: pl.DataFrame) -> pl.DataFrame:
    """The rows that can be counted on, with the units and the yen of completed ones."""
    is_sold = pl.col("status") == "completed"
    units = pl.when(is_sold).then("quantity").otherwise(0)
    return (
        judged_sales.lazy()
        .filter(pl.col(DROPPED).is_null())
        .select(pl.exclude(DROPPED, *REPAIRED, *QUALITY), units.alias("units"))
        .with_columns((pl.col("units") * pl.col("unit_price")).alias("sales"))
        .collect()
    )


@checked(AtLeast(1, "rows"))
def cleaning_report(judged_sales: pl.DataFrame) -> pl.DataFrame:
    """How many rows of each day were dropped, and how many values repaired, by reason."""
    dropped = (
        judged_sales.lazy()
        .filter(pl.col(DROPPED).is_not_null())
        .group_by("business_date", pl.lit("dropped").alias("action"), pl.col(DROPPED).alias("reason"))
        .agg(pl.len().alias("rows"))
    )
    repaired = (
        judged_sales.lazy()
        .group_by("business_date", pl.lit("repaired").alias("action"))
        .agg(pl.col(REPAIRED).sum())
        .unpivot(REPAIRED, index=["business_date", "action"], variable_name="reason", value_name="rows")
        .filter(pl.col("rows") > 0)
    )
    columns = ["business_date", "action", "reason", pl.col("rows").cast(pl.Int64)]
    both = pl.concat([dropped.select(columns), repaired.select(columns)])
    return both.sort("business_date", "action", "reason").collect()


@checked(Keys("business_date", "scope", "machine_id"), AtLeast(0, *COUNTS))
def daily_sales_summary(cleaned_sales_data: pl.DataFrame) -> pl.DataFrame:
    """Per day and machine (`scope` is machine), and per day (`scope` is all): units, yen, completed and failed vends,
    and customers, who are all that came, whatever became of it."""
    is_sold = pl.col("status") == "completed"
    machines = (
        cleaned_sales_data.lazy()
        .group_by("business_date", "machine_id")
        .agg(
            pl.col("units").sum(),
            pl.col("sales").sum(),
            is_sold.sum().cast(pl.Int64).alias("vends"),
            (pl.col("status") == "failed").sum().cast(pl.Int64).alias("failed"),
            pl.len().cast(pl.Int64).alias("customers"),
        )
        .collect()
    )
    days = machines.group_by("business_date").agg(pl.col(COUNTS).sum())
    columns = ["business_date", "scope", "machine_id", *COUNTS]
    return pl.concat(
        [
            machines.with_columns(pl.lit("machine").alias("scope")).select(columns),
            days.with_columns(pl.lit("all").alias("scope"), pl.lit("").alias("machine_id")).select(columns),
        ]
    ).sort("business_date", "scope", "machine_id")


@checked(Keys("business_date", "dimension", "column"), AtLeast(0, "rows", "bad_rows"))
def data_quality_metrics(judged_sales: pl.DataFrame) -> pl.DataFrame:
    """Per day, dimension of quality and column: how many rows are good. Completeness: there is a value. Validity: it is
    one that the column may have. Uniqueness: the key is there once. Consistency: the day of the sale is the file's.
    Timeliness: it was sold before it was reported, so not after its business day."""
    measured = (
        judged_sales.lazy()
        .group_by("business_date")
        .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col(QUALITY).sum().cast(pl.Int64))
        .unpivot(QUALITY, index=["business_date", "rows"], variable_name="measure", value_name="bad_rows")
        .with_columns(pl.col("measure").str.splitn(":", 2).struct.rename_fields(["dimension", "column"]).alias("parts"))
        .unnest("parts")
        .select(
            "business_date",
            "dimension",
            "column",
            "rows",
            "bad_rows",
            # Rounded: the last digit of a division by a column of equal numbers is another than by different ones.
            ((pl.col("rows") - pl.col("bad_rows")) / pl.col("rows")).round(6).alias("share_good"),
        )
    )
    return measured.sort("business_date", "dimension", "column").collect()
