"""Which rows of which model a person means, from `column=value`; or in words why there are none."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

import pyarrow as pa

from vending_platform.catalog import Catalog, Model
from vending_platform.warehouse import Reader, TableName, literal, quoted

DAY = "business_date"
SHORT = {"machine": "machine_id", "slot": "slot_no", "product": "product_id", "route": "route_id", "day": DAY}
"""What a person says for a column that the model does not have by that name."""
MOST_ROWS = 1000
_BUILDS = TableName("raw", "_builds")


class WrongQuestion(ValueError):
    """There is no such model or column, or a value that it can't hold; the message says which there are."""


class NothingToTrace(RuntimeError):
    """The question is right, and no row answers it; the message says why."""


def model_called(catalog: Catalog, name: str) -> Model:
    """By its name, with its schema or without."""
    schema, _, bare = name.rpartition(".")
    for model in catalog.models:
        if model.name == bare and schema in ("", model.schema_name):
            return model
    known = [f"{model.schema_name}.{model.name}" for model in catalog.models]
    near = [full for full in known if full.endswith(f".{bare}")] or get_close_matches(name, known, n=3)
    near = near or [full for full in known if get_close_matches(bare, [full.partition(".")[2]], n=1)]
    raise WrongQuestion(f"no model is called {name!r}; {_did_you_mean(near, known)}")


def rows_meant(reader: Reader, model: Model, said: Mapping[str, str]) -> pa.Table:
    """The rows of the model for which all of this holds."""
    if not said:
        raise WrongQuestion("say which row: column=value, such as machine=VM003 day=2024-03-15")
    if not _was_built(reader, model):
        raise NothingToTrace(f"{model.schema_name}.{model.name} was never built here; build it with: vending run")
    table = TableName(model.schema_name, model.name)
    schema = reader.query(f"select * from {table} where 1 = 0").schema
    wanted = {_column(schema, model, name): text for name, text in said.items()}
    conditions = {name: _condition(schema.field(name), text) for name, text in wanted.items()}
    rows = reader.query(f"select * from {table} where {' and '.join(conditions.values())} limit {MOST_ROWS + 1}")
    if rows.num_rows > MOST_ROWS:
        raise WrongQuestion(
            f"more than {MOST_ROWS} rows of {model.name} are meant; say more of them: {', '.join(schema.names)}"
        )
    if rows.num_rows == 0:
        raise NothingToTrace(_why_none(reader, model, schema, wanted, conditions))
    return rows.sort_by([(name, "ascending") for name in rows.column_names])


def _was_built(reader: Reader, model: Model) -> bool:
    if not reader.has_table(_BUILDS):
        return False
    found = reader.query(f"select count(*) as n from {_BUILDS} where model = {literal(model.name)}")
    return bool(found["n"][0].as_py())


def _column(schema: pa.Schema, model: Model, name: str) -> str:
    column = name if name in schema.names else SHORT.get(name, name)
    if column not in schema.names:
        near = get_close_matches(column, schema.names, n=3)
        raise WrongQuestion(f"{model.name} has no column {name!r}; {_did_you_mean(near, schema.names)}")
    return column


def _condition(field: pa.Field, text: str) -> str:
    column, kind = quoted(field.name), field.type
    if text == "":
        return f"{column} is null"
    try:
        return f"{column} = {_value(kind, text)}"
    except (ValueError, InvalidOperation):
        example = next((example for is_it, example in _EXAMPLES if is_it(kind)), "")
        raise WrongQuestion(f"{field.name} can't be {text!r}; write it like {example}") from None


def _value(kind: pa.DataType, text: str) -> str:
    if pa.types.is_date(kind):
        return literal(date.fromisoformat(text))
    if pa.types.is_timestamp(kind):
        return f"timestamp '{datetime.fromisoformat(text).replace(tzinfo=None).isoformat(' ')}'"
    if pa.types.is_boolean(kind):
        return {"true": "true", "false": "false"}.get(text.lower()) or _no_value(text)
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        number = Decimal(text)
        return format(number, "f") if number.is_finite() else _no_value(text)
    return literal(text)


_EXAMPLES = (
    (pa.types.is_date, "2024-03-15"),
    (pa.types.is_timestamp, "'2024-03-15 10:30:00'"),
    (pa.types.is_boolean, "true or false"),
    (lambda _: True, "130 or 0.5"),
)


def _no_value(text: str) -> str:
    raise ValueError(text)


def _why_none(
    reader: Reader, model: Model, schema: pa.Schema, wanted: Mapping[str, str], conditions: Mapping[str, str]
) -> str:
    """Which of the conditions nothing fulfils by itself, and what comes near."""
    table = TableName(model.schema_name, model.name)
    for name, condition in conditions.items():
        if reader.query(f"select count(*) as n from {table} where {condition}")["n"][0].as_py():
            continue
        kind = schema.field(name).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            values = reader.query(f"select distinct {quoted(name)} as v from {table} where {quoted(name)} is not null")
            known = sorted(values["v"].to_pylist())
            near = get_close_matches(wanted[name], known, n=3, cutoff=0.5)
            return f"{model.name} has no row with {name} {wanted[name]!r}; {_did_you_mean(near, known)}"
        ends = reader.query(
            f"select min({quoted(name)}) as first, max({quoted(name)}) as last from {table}"
        ).to_pylist()
        span = (
            f"it goes from {ends[0]['first']} to {ends[0]['last']}" if ends[0]["first"] is not None else "it is empty"
        )
        return f"{model.name} has no row with {name} {wanted[name]}; {span}"
    each = " and ".join(f"{name} {text}" for name, text in wanted.items())
    return f"{model.name} has rows for each of these, but none with {each} together"


def _did_you_mean(near: Iterable[str], known: Iterable[str]) -> str:
    if meant := list(near):
        return f"did you mean {' or '.join(meant)}?"
    there_are = list(known)
    more = f" … ({len(there_are)} in all)" if len(there_are) > 30 else ""
    return f"there are: {', '.join(there_are[:30])}{more}" if there_are else "there are none"
