"""What is normal for a figure, by its own past: the median of days of its kind, and how far they stray from it.

Median and MAD (the median distance from the median), because one bad day moves neither: with mean and standard
deviation the first outage would widen what counts as normal, and hide the second. docs/quality.md explains the figures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa

from vending_platform.quality.measures import FIGURES, NULL_SHARE
from vending_platform.quality.results import CheckStatus, Result
from vending_platform.quality.tables import CHECKS
from vending_platform.warehouse import Reader, literal, values_of

DAYS = 28
"""So many days of the same kind count, the latest before the day."""
FEWEST = 7
"""With fewer, nothing is called unusual."""
STRAY = Decimal("3.5")
"""So many of its usual distances may a figure be away from its median."""
_REACH = timedelta(days=100)
"""28 days of weekends go back 14 weeks."""
_FIGURE = pa.schema(
    [
        ("dataset", pa.string()),
        ("check_name", pa.string()),
        ("column_name", pa.string()),
        ("business_date", pa.date32()),
        ("figure", pa.float64()),
        ("total_rows", pa.int64()),
    ]
)
_Key = tuple[str, str, str, date]
_RANGE = f"""
with

known as (

    select *, case when isodow(business_date) > 5 then 'weekend' else 'working day' end as kind
    from figures

),

compared as (

    select
        *,
        count(*) over past as days,
        median(figure) over past as middle,
        -- 1.4826 makes of a MAD what a standard deviation would be if the days were spread normally.
        1.4826 * mad(figure) over past as strays
    from known
    window past as (
        partition by dataset, check_name, column_name, kind order by business_date
        rows between {DAYS} preceding and 1 preceding
    )

),

noisy as (

    select
        *,
        -- No count of things is steadier than chance: the root of it for a number, the binomial's for a share.
        case
            when check_name = '{NULL_SHARE}' then
                sqrt(
                    (middle * total_rows + 1) / (total_rows + 2)
                    * (1 - (middle * total_rows + 1) / (total_rows + 2)) / greatest(total_rows, 1)
                )
            else sqrt(greatest(middle, 1))
        end as chance
    from compared

)

select
    dataset, check_name, column_name, business_date,
    greatest(middle - {STRAY} * greatest(strays, chance), 0) as low,
    middle + {STRAY} * greatest(strays, chance) as high
from noisy
where days >= {FEWEST}
"""


def judged(reader: Reader, results: Sequence[Result]) -> list[Result]:
    """These results, of which figures carry what is normal, and warn where they are not."""
    figures = [result for result in results if result.figure is not None and result.first_day is not None]
    if not figures:
        return list(results)
    ranges = _ranges(pa.concat_tables([_before(reader, figures), _table(figures)]))
    return [_compared(result, ranges) if result.figure is not None else result for result in results]


def _compared(result: Result, ranges: dict[_Key, tuple[float, float]]) -> Result:
    found = ranges.get(_key(result))
    if found is None or result.figure is None:
        return result
    low, high = found
    usual = f"{low:.4f} to {min(high, 1):.4f}" if result.check == NULL_SHARE else f"{low:.0f} to {high:.0f}"
    if low <= float(result.figure) <= high:
        return replace(result, expected=usual)
    return replace(
        result,
        expected=usual,
        status=CheckStatus.WARNED,
        message=f"{result.check} is {result.actual}; on days of its kind it is {usual}",
    )


def _key(result: Result) -> _Key:
    assert result.first_day is not None
    return result.dataset, result.check, result.column or "", result.first_day


def _table(figures: Iterable[Result]) -> pa.Table:
    rows = [(*_key(result), float(result.figure or 0), result.total_rows) for result in figures]
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _FIGURE, strict=True)], _FIGURE)


def _before(reader: Reader, figures: Sequence[Result]) -> pa.Table:
    """What the history holds of the days before, as each was measured last; what is measured now is not from there."""
    days = [result.first_day for result in figures if result.first_day is not None]
    checks, datasets = ", ".join(map(literal, FIGURES)), sorted({result.dataset for result in figures})
    found = reader.query(
        "select dataset, check_name, column_name, first_day as business_date, figure, total_rows from ("
        " select *, row_number() over"
        " (partition by dataset, check_name, column_name, first_day order by checked_at desc, run_id desc) as place"
        f" from {CHECKS} where check_name in ({checks}) and dataset in ({', '.join(map(literal, datasets))})"
        f" and first_day between {literal(min(days) - _REACH)} and {literal(max(days))}"
        ") as numbered where place = 1"
    )
    now = {_key(result) for result in figures}
    kept = []
    for dataset, check, column, day, figure, total in zip(*map(values_of, found.columns), strict=True):
        key = dataset, check, column or "", day
        if key not in now:
            kept.append((*key, float(figure), total))
    columns = list(zip(*kept, strict=True)) or [()] * len(_FIGURE)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _FIGURE, strict=True)], _FIGURE)


def _ranges(figures: pa.Table) -> dict[_Key, tuple[float, float]]:
    """By DuckDB in memory, whatever the warehouse: the same SQL, and the same answer to the last digit."""
    with duckdb.connect() as engine:
        engine.register("figures", figures)
        rows = engine.execute(_RANGE).fetchall()
    return {(dataset, check, column, day): (low, high) for dataset, check, column, day, low, high in rows}
