"""Reads every value of a row as what it should be, and decides what is repaired and what is dropped.

A value that can be read is not touched. What can't be is read again as people write it: with spaces, in full-width
digits, with thousands separators, in capitals, in another time zone; then it counts as repaired.
"""

from collections.abc import Mapping

import polars as pl

from vending_platform.analysis.functions import surely_distinct

DROPPED = "dropped_because"
REPAIRED = [
    "spaces or full-width characters in transaction_id",
    "spaces or full-width characters in machine_id",
    "spaces or full-width characters in product_id",
    "another form of sold_at",
    "another form of quantity",
    "another form of unit_price",
    "another form of status",
]
_TEXTS, _NUMBERS = ("transaction_id", "machine_id", "product_id"), ("quantity", "unit_price")
_READ = (*_TEXTS, "sold_at", *_NUMBERS, "status")
QUALITY = [
    *(f"completeness:{column}" for column in _READ),
    *(f"validity:{column}" for column in _READ),
    "uniqueness:transaction_id",
    "consistency:business_date",
    "timeliness:sold_at",
]
_STATUSES = ("completed", "refunded", "failed")
_AT_MOST: Mapping[str, int] = {"quantity": 99, "unit_price": 100_000}
_AT_LEAST: Mapping[str, int] = {"quantity": 1, "unit_price": 0}
_JAPAN = "Asia/Tokyo"
_MOMENT = pl.Datetime("us")


def judged(sales: pl.DataFrame) -> pl.DataFrame:
    """The rows with their values read, a column that says why a row is dropped, those that say what was repaired, and
    those that say what is bad for each measure of quality."""
    raw = {column: sales[column] for column in _READ}
    read = {
        **{column: _text(raw[column]) for column in _TEXTS},
        "sold_at": _moment(raw["sold_at"]),
        **{column: _number(raw[column], _AT_LEAST[column], _AT_MOST[column]) for column in _NUMBERS},
        "status": _status(raw["status"]),
    }
    changed = [was_repaired.alias(name) for (_, was_repaired), name in zip(read.values(), REPAIRED, strict=True)]
    values = {column: value.alias(column) for column, (value, _) in read.items()}
    absent = {column: _is_absent(raw[column]) for column in _READ}
    own_day = values["sold_at"].dt.date()
    day = _day(sales["business_date"]).fill_null(own_day) if "business_date" in sales.columns else own_day
    others = [sales[column] for column in ("slot_no", "payment_method_id") if column in sales.columns]
    rows = pl.DataFrame([day.alias("business_date"), *values.values(), *others, *changed])
    is_repeated = _is_repeated(rows)
    measures = [
        *(absent[column].alias(f"completeness:{column}") for column in _READ),
        *((values[column].is_null() & ~absent[column]).alias(f"validity:{column}") for column in _READ),
        is_repeated.alias("uniqueness:transaction_id"),
        (own_day != day).fill_null(False).alias("consistency:business_date"),
        (own_day > day).fill_null(False).alias("timeliness:sold_at"),
    ]
    why = pl.coalesce(
        *(pl.when(pl.col(column).is_null()).then(pl.lit(f"{column} is missing or not valid")) for column in _READ),
        pl.when(pl.lit(is_repeated)).then(pl.lit("transaction_id is there twice")),
    )
    return rows.with_columns(why.alias(DROPPED), *measures)


def _is_absent(column: pl.Series) -> pl.Series:
    if column.dtype != pl.String:
        return column.is_null()
    return column.is_null() | (column.str.len_bytes() == 0)


def _is_repeated(rows: pl.DataFrame) -> pl.Series:
    """All rows of a key but the first, where order is that of the values, not that of files or of rows."""
    key = rows["transaction_id"]
    if surely_distinct(key.to_frame()):
        return pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    several = key.is_duplicated() & key.is_not_null()
    if not several.any():
        return several
    repeated = (
        rows.lazy()
        .with_row_index("row")
        .filter(pl.lit(several))
        .sort(*_READ, "row", nulls_last=True)
        .filter(~pl.col("transaction_id").is_first_distinct())
        .select("row")
        .collect()["row"]
    )
    marks = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    return marks.scatter(repeated, True)


Read = tuple[pl.Series, pl.Series]
"""The values, and which of them had to be repaired."""


def _unchanged(values: pl.Series) -> Read:
    return values, pl.repeat(False, values.len(), dtype=pl.Boolean, eager=True)


def _text(column: pl.Series) -> Read:
    column = column.cast(pl.String)
    if not column.str.contains(r"^$|[^\x21-\x7e]").any():
        return _unchanged(column)
    tidy = column.str.normalize("NFKC").str.strip_chars()
    tidy = pl.DataFrame([tidy]).to_series().replace("", None)
    return tidy, (tidy != column).fill_null(False)


def _number(column: pl.Series, least: int, most: int) -> Read:
    if column.dtype != pl.String:
        return _unchanged(_within(column.cast(pl.Int64, strict=False), least, most))
    plain = column.cast(pl.Int64, strict=False)
    again = plain.is_null() & column.is_not_null()
    if again.any():
        tidy = column.filter(again).str.normalize("NFKC").str.strip_chars().str.replace_all(",", "", literal=True)
        whole = tidy.str.replace(r"\.0+$", "").str.replace(r"^[¥\\]|円$", "")
        plain = plain.scatter(again.arg_true(), whole.cast(pl.Int64, strict=False))
    values = _within(plain, least, most)
    return values, again & values.is_not_null()


def _within(numbers: pl.Series, least: int, most: int) -> pl.Series:
    return pl.select(pl.when(numbers.is_between(least, most)).then(numbers)).to_series()


def _status(column: pl.Series) -> Read:
    plain = column.cast(pl.String)
    again = ~plain.is_in(_STATUSES) & plain.is_not_null()
    if not again.any():
        return _unchanged(plain)
    tidy = plain.filter(again).str.normalize("NFKC").str.strip_chars().str.to_lowercase()
    known = pl.select(pl.when(tidy.is_in(_STATUSES)).then(tidy)).to_series()
    values = plain.scatter(again.arg_true(), known)
    return values, again & values.is_not_null()


def _moment(column: pl.Series) -> Read:
    """As a clock in Japan shows it."""
    if isinstance(column.dtype, pl.Datetime):
        zoned = column.dt.convert_time_zone(_JAPAN).dt.replace_time_zone(None) if column.dtype.time_zone else column
        return _unchanged(zoned.cast(_MOMENT))
    text = column.cast(pl.String)
    plain = _parsed(text, "%Y-%m-%d %H:%M:%S")
    again = plain.is_null() & text.is_not_null()
    if again.any():
        tidy = text.filter(again).str.normalize("NFKC").str.strip_chars()
        tidy = tidy.str.replace_all("/", "-", literal=True).str.replace("T", " ", literal=True)
        zoned = _parsed(tidy.str.replace(r" ?Z$", "+00:00"), "%Y-%m-%d %H:%M:%S%.f%:z")
        local, minutes = _parsed(tidy, "%Y-%m-%d %H:%M:%S%.f"), _parsed(tidy, "%Y-%m-%d %H:%M")
        of_zone = zoned.dt.convert_time_zone(_JAPAN).dt.replace_time_zone(None)
        plain = plain.scatter(again.arg_true(), of_zone.fill_null(local).fill_null(minutes))
    return plain, again & plain.is_not_null()


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    return texts.str.to_datetime(form, strict=False, time_unit="us")


def _day(column: pl.Series) -> pl.Series:
    return column if column.dtype == pl.Date else column.cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
