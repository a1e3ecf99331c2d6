"""One row per key within a file: of rows with the same key one counts, and each of the others is rejected.

Where the rows differ, it is a conflict, and what they hold decides: the row of its file's day, then the later
`day_column`, then the greater line. So the answer is that of the rule between files (`transformation/one_per_key.py`).
"""

import duckdb
import numpy as np
import pyarrow as pa

from vending_platform.catalog import Source
from vending_platform.ingestion.casting import literal
from vending_platform.ingestion.reading.rows import EXTRA, FILE, LINE
from vending_platform.ingestion.validation import BUSINESS_DATE, PLACE, REJECTED, Validated, Validator, start_of

REPEATS = "_repeats"
"""Whether a rejected row only repeats what another one holds."""
NO_LOSERS = REJECTED.append(pa.field(REPEATS, pa.bool_())).empty_table()
_ROWS_AT_ONCE = 4_000_000
"""So many keys are held in memory; of a larger file some of its keys at a time."""


def one_per_key(source: Source, validator: Validator, checked: Validated) -> Validated:
    """What was found valid, without the rows that do not count because of another one with the same key in their file.
    `rejected` also has which rows are mere repeats."""
    rejected = checked.rejected.append_column(REPEATS, pa.repeat(pa.scalar(False), checked.rejected.num_rows))
    validator.engine.register("accepted", checked.accepted)
    lost = losers(source, validator.engine, "accepted", checked.accepted.num_rows)
    validator.engine.unregister("accepted")
    if not lost.num_rows:
        return Validated(checked.accepted, rejected)
    counts = ~np.isin(_places(checked.accepted), _places(lost))
    both = pa.concat_tables([rejected, lost]).sort_by([(FILE, "ascending"), (LINE, "ascending")])
    return Validated(checked.accepted.filter(pa.array(counts)), both)


def _places(rows: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A number for each row's place in its batch."""
    places: np.ndarray[tuple[int], np.dtype[np.int64]] = rows[FILE].to_numpy().astype(np.int64) << 40
    places |= rows[LINE].to_numpy()
    return places


def losers(source: Source, engine: duckdb.DuckDBPyConnection, rows: str, count: int) -> pa.Table:
    """The rows that do not count because of another one with the same key in their file. `rows` is SQL for accepted
    rows with their places, and `count` how many there are."""
    if source.files.duplicates == "keep":
        return NO_LOSERS
    parts = count // _ROWS_AT_ONCE + 1
    found = [_losers_among(source, engine, rows, f"{_key_hash(source)} % {parts} = {part}") for part in range(parts)]
    return pa.concat_tables(found).sort_by([(FILE, "ascending"), (LINE, "ascending")])


def _losers_among(source: Source, engine: duckdb.DuckDBPyConnection, rows: str, part: str) -> pa.Table:
    key_hash = _key_hash(source)
    of_part = f" where {part}" if not part.endswith("% 1 = 0") else ""
    doubled = engine.sql(
        f"select key_hash from (select {key_hash} as key_hash from {rows}{of_part})"
        " group by key_hash having count(*) > 1"
    ).to_arrow_table()
    if not doubled.num_rows:
        return NO_LOSERS
    engine.register("doubled", doubled)
    try:
        return engine.sql(_explained(source, rows)).to_arrow_table().cast(NO_LOSERS.schema)
    finally:
        engine.unregister("doubled")


def _explained(source: Source, rows: str) -> str:
    names = [f'"{column.name}"' for column in source.columns]
    key = ", ".join(f'"{name}"' for name in source.files.key)
    content = ", ".join([*names, EXTRA])
    best = ", ".join([*(f"{rule} desc" for rule in _decides(source)), f"last_line desc, {LINE}"])
    of_best = ", ".join(f"first_value({name}) over best as {_best(name)}" for name in [*names, EXTRA, LINE])
    differs = ", ".join(
        f"case when {name} is distinct from {_best(name)} then {literal(name.strip(chr(34)))} end"
        for name in [*names, EXTRA]
    )
    place = ", ".join(dict.fromkeys([FILE, LINE, *PLACE]))
    column = literal(source.files.key[0]) if len(source.files.key) == 1 else "cast(null as varchar)"
    return (
        f"select {place}, {column} as column_name,"
        f" 'same key as {source.counted_in} ' || {_best(LINE)}"
        f" || case when other = '' then '' else ', which counts; they differ in ' || other end as reason,"
        f" other = '' as {REPEATS}"
        f" from (select *, concat_ws(', ', {differs}) as other from (select *, {of_best} from ("
        f"select *, max({LINE}) over (partition by {FILE}, {content}) as last_line"
        f" from {rows} where {_key_hash(source)} in (select key_hash from doubled)"
        f") window best as (partition by {FILE}, {key} order by {best}"
        f" rows between unbounded preceding and unbounded following)) where {LINE} <> {_best(LINE)})"
    )


def _decides(source: Source) -> list[str]:
    """SQL for what makes a row count rather than another with its key; the greater of each."""
    if not source.compares_days:
        return []
    day = f'"{source.files.day_column}"'
    its_day = start_of(source.grain, f"cast({day} as date)")
    on_its_day = [f"({its_day} = {BUSINESS_DATE})"] if source.is_dated else []
    return [*on_its_day, day]


def _key_hash(source: Source) -> str:
    key = ", ".join(f'"{name}"' for name in source.files.key)
    return f"hash({FILE}, {key})"


def _best(name: str) -> str:
    return f'"best {name.strip(chr(34))}"'
