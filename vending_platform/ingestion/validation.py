"""Rows of text become typed rows, or rejected ones with a reason: one vectorised pass by DuckDB, used as a library.

The same in every environment, whatever the warehouse. Each rule of the contract becomes one SQL condition that is
never null; a row that meets none of them is accepted. Before any cast a lexical pattern decides, so nothing is coerced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Column, DeliveryMode, Grain, Source
from vending_platform.ingestion.casting import cast_of, literal, local_time_of, moment_of
from vending_platform.ingestion.clocks import day_in, local_name, why_no_instant
from vending_platform.ingestion.reading.problems import LAST_PART, LONGEST_REASON
from vending_platform.ingestion.reading.rows import EXTRA, FILE, LENGTH, LINE, OFFSET, PROBLEM

LONGEST_VALUE = 16 * 1024 * 1024
"""The longest text that every warehouse can hold."""
BLANKS = " \t\u3000"
"""What `trim` takes off at both ends: blanks of both widths, and tabs."""
FILE_ID, BUSINESS_DATE = "_file_id", "_business_date"
PLACE = (FILE, OFFSET, LENGTH)
"""Where a row stands, besides its line."""
_SENDER, _DAY, _BAD = "_sender", "_day", "_bad"
REJECTED = pa.schema(
    [
        (FILE, pa.int32()),
        (LINE, pa.int64()),
        (OFFSET, pa.int64()),
        (LENGTH, pa.int64()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
    ]
)
"""Of rejected rows: where each stands, and why it is rejected."""


@dataclass(frozen=True)
class FileFacts:
    """What a row has to agree with: the identity of its file and what the file's name says."""

    file_id: str
    sender: str | None
    business_date: date | None


@dataclass(frozen=True)
class Validated:
    """`accepted` has the raw table's columns, `_file` and the row's place; `rejected` has `_file`, place, column and
    reason."""

    accepted: pa.Table
    rejected: pa.Table


@dataclass(frozen=True)
class _Rule:
    """A row breaks the rule where `broken` holds; `reason` is an SQL text for the person who has to fix it."""

    column: str | None
    broken: str
    reason: str


def raw_schema(source: Source) -> pa.Schema:
    """The columns of the source's table in `raw`."""
    return pa.schema(
        [
            *((column.name, column.type.arrow) for column in source.columns),
            (EXTRA, pa.string()),
            (FILE_ID, pa.string()),
            (LINE, pa.int64()),
            (BUSINESS_DATE, pa.date32()),
        ]
    )


def placed_schema(source: Source) -> pa.Schema:
    """The same with the columns that say where a row stands, for as long as it may still be rejected."""
    return pa.schema([*raw_schema(source), *(pa.field(name, REJECTED.field(name).type) for name in PLACE)])


def validation_engine() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB for any number of validators, one after the other."""
    engine = duckdb.connect()
    engine.execute("set enable_progress_bar = false")  # it would print into whatever is being printed
    return engine


class Validator:
    """Applies one source's contract, in an in-memory DuckDB that belongs to the caller."""

    def __init__(self, source: Source, engine: duckdb.DuckDBPyConnection) -> None:
        self._source = source.as_read
        self.engine = engine
        self._rules = tuple(_rules(self._source))

    def validate(self, rows: pa.Table, files: Sequence[FileFacts]) -> Validated:
        self.engine.register("delivered", _with_facts(rows, files))
        broken = " or ".join(f"({rule.broken})" for rule in self._rules)
        business_date = _DAY
        if self._source.files.delivery is DeliveryMode.APPEND and self._source.files.day_column:
            business_date = start_of(self._source.grain, f"cast({_moment_of_day(self._source)} as date)")
        typed = ", ".join(f'"{_typed(column.name)}" as "{column.name}"' for column in self._source.columns)
        checked = self.engine.sql(
            f"select {typed}, {EXTRA}, {FILE_ID}, {LINE}, {business_date} as {BUSINESS_DATE}, {', '.join(PLACE)},"
            f" {broken} as {_BAD}"
            f" from ({self._with_typed_columns()})"
        ).to_arrow_table()
        bad = checked[_BAD]
        accepted = checked.drop_columns([_BAD]).cast(placed_schema(self._source))
        if not pc.any(bad).as_py():
            return Validated(accepted, REJECTED.empty_table())
        return Validated(accepted.filter(pc.invert(bad)), self._explain(rows.filter(bad), files))

    def _explain(self, rows: pa.Table, files: Sequence[FileFacts]) -> pa.Table:
        """Every rule that each rejected row breaks: the first one's column, all of the reasons."""
        self.engine.register("delivered", _with_facts(rows, files))
        columns = ", ".join(f"case when {r.broken} then {literal(r.column or '')} end" for r in self._rules)
        reasons = ", ".join(f"case when {r.broken} then {r.reason} end" for r in self._rules)
        return (
            self.engine.sql(
                f"select {FILE}, {LINE}, {OFFSET}, {LENGTH}, nullif(coalesce({columns}), '') as column_name,"
                f" {_shortened('reasons')} as reason"
                f" from (select *, concat_ws('; ', {reasons}) as reasons from ({self._with_typed_columns()}))"
            )
            .to_arrow_table()
            .cast(REJECTED)
        )

    def _with_typed_columns(self) -> str:
        typed = ", ".join(
            f'{cast_of(column, self._source)} as "{_typed(column.name)}"' for column in self._source.columns
        )
        delivered = "delivered"
        if self._source.files.trim:
            trimmed = (f'trim("{c.name}", {literal(BLANKS)}) as "{c.name}"' for c in self._source.columns)
            delivered = f"(select * replace ({', '.join(trimmed)}) from delivered)"
        local = [
            f"{local_time_of(column)} as {local_name(column)}"
            for column in self._source.columns
            if column.type.kind == "timestamp"
        ]
        return f"select *, {typed} from (select {', '.join(['*', *local])} from {delivered})"


def _with_facts(rows: pa.Table, files: Sequence[FileFacts]) -> pa.Table:
    number = rows[FILE].combine_chunks()
    facts = {
        FILE_ID: pa.array([file.file_id for file in files], pa.string()),
        _SENDER: pa.array([file.sender for file in files], pa.string()),
        _DAY: pa.array([file.business_date for file in files], pa.date32()),
    }
    for name, values in facts.items():
        rows = rows.append_column(name, pa.DictionaryArray.from_arrays(number, values))
    return rows


def _rules(source: Source) -> Iterator[_Rule]:
    yield _Rule(None, f"{PROBLEM} is not null", PROBLEM)
    there = f"{PROBLEM} is null"
    for column in source.columns:
        text, typed = f'"{column.name}"', f'"{_typed(column.name)}"'
        filled = f"coalesce({text} <> '', false)"
        shown = _shown(text)
        if column.required:
            is_given = f"{text} is not null" if source.extract is not None else filled
            yield _Rule(column.name, f"{there} and not ({is_given})", literal(f"{column.name} is empty"))
        if column.formats and column.type.kind == "text":
            moment = moment_of(column)
            yield _Rule(
                column.name,
                f"{filled} and {moment} is null",
                f"{shown} || {literal(_is_no_moment(column, 'date'))}",
            )
        if column.type.kind == "text":
            yield _Rule(
                column.name,
                f"{filled} and strlen({text}) > {LONGEST_VALUE}",
                literal(f"{column.name} is longer than {LONGEST_VALUE // 1024**2} MiB"),
            )
        else:
            wrong = f"{filled} and {typed} is null"
            if column.type.kind == "timestamp":
                local = local_name(column)
                yield _Rule(column.name, f"{wrong} and {local} is not null", f"{shown} || {why_no_instant(column)}")
                wrong = f"{wrong} and {local} is null"
            yield _Rule(column.name, wrong, f"{shown} || {literal(_is_no(column))}")
        if column.values:
            allowed = ", ".join(map(literal, column.values))
            yield _Rule(
                column.name,
                f"{filled} and {text} not in ({allowed})",
                f"{shown} || {literal(' is none of: ' + ', '.join(column.values))}",
            )
        if column.pattern is not None:
            yield _Rule(
                column.name,
                f"{filled} and not regexp_full_match({text}, {literal(column.pattern)})",
                f"{shown} || {literal(f' does not match {column.pattern}')}",
            )
        if column.range is not None and column.range.min is not None:
            yield _Rule(
                column.name,
                f"coalesce({typed} < cast('{column.range.min}' as {_sql_type(column)}), false)",
                f"{shown} || {literal(f' is less than {column.range.min}')}",
            )
        if column.range is not None and column.range.max is not None:
            yield _Rule(
                column.name,
                f"coalesce({typed} > cast('{column.range.max}' as {_sql_type(column)}), false)",
                f"{shown} || {literal(f' is more than {column.range.max}')}",
            )
    if sender := source.files.sender_column:
        name = f'"{sender}"'
        another = literal(f" is another {source.files.sender_name} than the ")
        yield _Rule(
            sender,
            f"coalesce({name} <> '' and {name} <> {_SENDER}, false)",
            f"{_shown(name)} || {another} || {_SENDER} || ' of the file''s name'",
        )
    if (day := source.files.day_column) and source.is_dated:
        grain = source.grain or Grain.DAY
        name, typed = f'"{day}"', f"cast({_moment_of_day(source)} as timestamp)"
        tolerance = int(source.files.day_tolerance / timedelta(seconds=1))
        allowed = f" (and {source.files.day_tolerance} before and after)" if tolerance else ""
        yield _Rule(
            day,
            f"coalesce({typed} < cast({_DAY} as timestamp) - to_seconds({tolerance})"
            f" or {typed} >= cast({_DAY} as timestamp) + interval 1 {grain.value} + to_seconds({tolerance}), false)",
            f"{_shown(name)} || ' is outside the file''s {grain.value} ' || {_written(grain)} || {literal(allowed)}",
        )


def start_of(grain: Grain | None, day: str) -> str:
    """SQL for the first day of the period that a day lies in."""
    return f"cast(date_trunc('month', {day}) as date)" if grain is Grain.MONTH else day


def _written(grain: Grain) -> str:
    return f"strftime({_DAY}, '{'%Y-%m' if grain is Grain.MONTH else '%Y-%m-%d'}')"


def _sql_type(column: Column) -> str:
    return "bigint" if column.type.kind == "integer" else str(column.type)


def _is_no(column: Column) -> str:
    match column.type.kind:
        case "integer":
            return " is not a whole number"
        case "decimal":
            whole, scale = column.type.precision - column.type.scale, column.type.scale
            return f" is not a valid number with at most {whole} digits before and {scale} after the decimal mark"
        case "boolean":
            return f" is none of: {', '.join((*column.true_values, *column.false_values))}"
        case kind:
            return _is_no_moment(column, kind)


def _is_no_moment(column: Column, kind: str) -> str:
    return f" is not a valid {kind} of the form {' or '.join(column.accepted_formats)}"


def _moment_of_day(source: Source) -> str:
    """SQL for the day or the time that says which business day a row belongs to."""
    assert source.files.day_column is not None
    column = source.column(source.files.day_column)
    typed = f'"{_typed(column.name)}"'
    if column.type.kind == "text":
        return moment_of(column)
    return typed if source.files.day_time_zone is None else day_in(source.files.day_time_zone, typed)


def _shown(text: str) -> str:
    """SQL for how a reason quotes a value: its column, and no more of it than a person reads."""
    name = text.strip('"')
    cut = f"left({text}, 60) || case when length({text}) > 60 then '…' else '' end"
    return f"{literal(name + ' ')} || '''' || {cut} || ''''"


def _shortened(text: str) -> str:
    """SQL for what `shortened` does, for thousands of rows at once."""
    first = f"left({text}, {LONGEST_REASON - LAST_PART})"
    cut = f"{first} || ' … (' || length({text}) || ' characters) … ' || right({text}, {LAST_PART})"
    return f"case when length({text}) <= {LONGEST_REASON} then {text} else {cut} end"


def _typed(name: str) -> str:
    return f"typed {name}"  # a blank can't be in a contract's column name, so this is nobody else's
