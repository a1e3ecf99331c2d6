"""Which rows of which model a person means, from `column=value`; or in words why there are none."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import pyarrow as pa

from vending_platform.catalog import Catalog, Model, Provenance
from vending_platform.errors import ConfigurationError, PlatformError
from vending_platform.ledger import models_built
from vending_platform.lineage.provenance.conditions import NotAValue, equals
from vending_platform.lineage.provenance.masking import HIDDEN, is_hidden
from vending_platform.warehouse import Reader, TableName, quoted

MOST_ROWS = 1000
_LONGEST = 60


class WrongQuestion(ConfigurationError):
    """There is no such model or column, or a value that it can't hold; the message lists which there are."""


class NothingToTrace(PlatformError):
    """The question is right, and no row answers it; the message explains why."""


def model_called(catalog: Catalog, name: str) -> Model:
    """By its name, with its schema or without."""
    schema, _, bare = name.rpartition(".")
    for model in catalog.models:
        if model.name == bare and schema in ("", model.schema_name):
            return model
    known = [f"{model.schema_name}.{model.name}" for model in catalog.models]
    near = [full for full in known if full.endswith(f".{bare}")] or get_close_matches(name, known, n=3)
    near = near or [full for full in known if get_close_matches(bare, [full.partition(".")[2]], n=1)]
    raise WrongQuestion(f"no model is called {_shown(name)}; {_did_you_mean(near, known)}")


def built_models(reader: Reader) -> dict[str, frozenset[str]]:
    """Those that were built here, if only in part, and are still there; with the columns that they have."""
    if not (built := models_built(reader)):
        return {}
    there = reader.query(
        "select lower(table_name) as model, lower(column_name) as name from information_schema.columns"
    ).to_pylist()
    columns: dict[str, set[str]] = {}
    for row in there:
        if row["model"] in built:
            columns.setdefault(row["model"], set()).add(row["name"])
    return {model: frozenset(names) for model, names in columns.items()}


def short_names(catalog: Catalog) -> dict[str, list[str]]:
    """What stands for a column that a model does not have by that name: of each sender what it is called; of each
    column by which the contracts and the models declare rows to be found its name without the last part
    (`customer` for `customer_id`); and `day`."""
    found: dict[str, set[str]] = {"day": {"business_date"}}
    columns: set[str] = set()
    for source in catalog:
        columns.update(source.files.key)
        columns.update(column.name for column in source.columns if column.references is not None)
        if (sender := source.files.sender) is not None and sender.column is not None:
            found.setdefault(sender.name, set()).add(sender.column)
    for model in catalog.models:
        columns.update(mine for mine, _ in (model.provenance or Provenance()).same)
    for column in columns:
        if short := column.rpartition("_")[0]:
            found.setdefault(short, set()).add(column)
    return {short: sorted(names) for short, names in found.items()}


def rows_meant(
    reader: Reader, catalog: Catalog, model: Model, values: Sequence[tuple[str, str]], personal: frozenset[str]
) -> pa.Table:
    """The rows of the model for which all of this holds."""
    if not values:
        raise WrongQuestion("name a row by column=value, such as day=2024-03-15")
    if model.name not in built_models(reader):
        raise NothingToTrace(f"{model.schema_name}.{model.name} is not built here; build it with: vending run")
    table = TableName(model.schema_name, model.name)
    schema = reader.query(f"select * from {table} where 1 = 0").schema
    wanted = _wanted(schema, model, short_names(catalog), values, personal)
    question = _Question(reader, model, schema, wanted, personal)
    conditions = question.conditions()
    rows = reader.query(f"select * from {table} where {' and '.join(conditions.values())} limit {MOST_ROWS + 1}")
    if rows.num_rows > MOST_ROWS:
        raise WrongQuestion(
            f"more than {MOST_ROWS} rows of {model.name} match; give more columns of them: {', '.join(schema.names)}"
        )
    if rows.num_rows == 0:
        raise NothingToTrace(question.why_none(conditions))
    return rows.sort_by([(name, "ascending") for name in rows.column_names])


def _wanted(
    schema: pa.Schema,
    model: Model,
    short: Mapping[str, list[str]],
    named: Iterable[tuple[str, str]],
    personal: frozenset[str],
) -> dict[str, str]:
    """The value of each column that was named, under whatever name."""
    wanted: dict[str, str] = {}
    for name, text in named:
        column = column_named(schema, model, short, name)
        if not _is_text(text):
            raise WrongQuestion(f"the value of {column} is not text in UTF-8")
        if wanted.setdefault(column, text) != text:
            values = f"{_said(column, wanted[column], personal)} and {_said(column, text, personal)}"
            raise WrongQuestion(f"{column} can't be {values} at once; give it one value")
    return wanted


def column_named(schema: pa.Schema, model: Model, short: Mapping[str, list[str]], name: str) -> str:
    """The column of the model that is called so, in full or in short."""
    meant = [name] if name in schema.names else [column for column in short.get(name, ()) if column in schema.names]
    if len(meant) > 1:
        raise WrongQuestion(f"{name} is short for {' and for '.join(meant)} in {model.name}; write which one")
    if not meant:
        near = get_close_matches(name, schema.names, n=3)
        raise WrongQuestion(f"{model.name} has no column {_shown(name)}; {_did_you_mean(near, schema.names)}")
    return meant[0]


class _Question:
    def __init__(
        self, reader: Reader, model: Model, schema: pa.Schema, wanted: Mapping[str, str], personal: frozenset[str]
    ) -> None:
        self._reader, self._model, self._schema = reader, model, schema
        self._wanted, self._personal = wanted, personal
        self._table = TableName(model.schema_name, model.name)

    def conditions(self) -> dict[str, str]:
        found = {}
        for name, text in self._wanted.items():
            try:
                found[name] = equals(self._schema.field(name), text)
            except NotAValue as error:
                value = _said(name, text, self._personal)
                raise WrongQuestion(f"{name} can't be {value}; write it like {error}") from None
        return found

    def why_none(self, conditions: Mapping[str, str]) -> str:
        """Which of the conditions nothing fulfills by itself, and what comes near."""
        for name, condition in conditions.items():
            if not self._reader.query(f"select count(*) as n from {self._table} where {condition}")["n"][0].as_py():
                value = _said(name, self._wanted[name], self._personal)
                return f"{self._model.name} has no row with {name} {value}{self._instead(name)}"
        each = " and ".join(f"{name} {_said(name, text, self._personal)}" for name, text in self._wanted.items())
        return f"{self._model.name} has rows for each of these, but none with {each} together"

    def _instead(self, name: str) -> str:
        """What there is; of what is personal nothing is shown."""
        if is_hidden(name, self._personal):
            return f"; its values are personal and not shown ({HIDDEN})"
        kind, column = self._schema.field(name).type, quoted(name)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            values = self._reader.query(f"select distinct {column} as v from {self._table} where {column} is not null")
            known = sorted(values["v"].to_pylist())
            return f"; {_did_you_mean(get_close_matches(self._wanted[name], known, n=3, cutoff=0.5), known)}"
        ends = self._reader.query(f"select min({column}) as first, max({column}) as last from {self._table}")
        first, last = ends["first"][0].as_py(), ends["last"][0].as_py()
        return "; it is empty" if first is None else f"; it goes from {first} to {last}"


def _said(column: str, text: str, personal: frozenset[str]) -> str:
    return f"'{HIDDEN}'" if is_hidden(column, personal) else _shown(text)


def _shown(text: str) -> str:
    """What a person wrote, short and without what a terminal can't show."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _did_you_mean(near: Iterable[str], known: Iterable[str]) -> str:
    if meant := list(near):
        return f"did you mean {' or '.join(meant)}?"
    there_are = list(known)
    more = f" … ({len(there_are)} in all)" if len(there_are) > 30 else ""
    return f"there are: {', '.join(there_are[:30])}{more}" if there_are else "there are none"
