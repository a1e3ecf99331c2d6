"""Which rows of which sources the rows of a model rest on: model by model, from it down to what was delivered.

The `reach` of each model on the way declares which days of its inputs are read, and its `provenance` which rows of
these days. Where the rows of a model are known, their own values narrow what they were built from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from vending_platform.catalog import Catalog, Days, Model, Provenance, Source
from vending_platform.lineage.provenance.conditions import listed, within
from vending_platform.warehouse import Reader, TableName, quoted

DAY = "business_date"
EVER: tuple[Days, ...] = ((date.min, date.max),)
_MOST_VALUES = 5_000
"""With more values than that a column narrows nothing down: a statement does not get longer than it can be read."""
_MOST_APART = 8
"""So many sets of rows of one table are followed by themselves."""
Values = Mapping[str, frozenset[Any]]


@dataclass(frozen=True)
class Wanted:
    """Rows of a table: of these days, with one of these values in each of these columns."""

    days: tuple[Days, ...]
    values: Values = field(default_factory=dict)
    is_peer: bool = False
    """They belong to what the rows in question are compared with."""
    rows: tuple[Mapping[str, Any], ...] | None = None
    """The rows themselves, where they are known."""

    def holds(self, day: date | None) -> bool:
        return day is None or any(first <= day <= last for first, last in self.days)


@dataclass(frozen=True)
class Reached:
    """What rows of a model rest on."""

    wanted: Mapping[str, Sequence[Wanted]]
    """By source."""
    besides: tuple[str, ...]
    """In words, what else decides them."""
    undeclared: tuple[str, ...]
    """Models that do not declare which rows they read, so that all of their days are named."""


def reached(
    reader: Reader, catalog: Catalog, model: Model, question: Wanted, built: Mapping[str, frozenset[str]]
) -> Reached:
    """From these rows of a model to its sources; `built` are the columns of the models that are built."""
    models = {one.unique_id: one for one in catalog.models}
    sources = {source.unique_id: source for source in catalog}
    waiting: dict[str, list[Wanted]] = {model.unique_id: [question]}
    besides: list[str] = []
    undeclared: list[str] = []
    for one in reversed(catalog.models):  # each after all that read it
        if not (wanted := _as_few(waiting.pop(one.unique_id, ()))):
            continue
        rows = _Rows(reader, one, built.get(one.name, frozenset()))
        provenance = one.provenance or Provenance()
        if provenance.besides is not None:
            besides.append(provenance.besides)
        if one.provenance is None and any(name in models and models[name].sources for name in one.inputs):
            undeclared.append(one.name)
        for part in (*wanted, *_peers(rows, provenance, wanted)):
            days = tuple(joined(_days_read(rows, provenance, part)))
            for name, columns in _inputs(one, provenance, models, sources):
                is_peer = part.is_peer or (name in models and models[name].name in provenance.of_peers)
                waiting.setdefault(name, []).append(Wanted(days, rows.narrowing(part, columns), is_peer))
    found = {source.name: _as_few(waiting[name]) for name, source in sources.items() if name in waiting}
    return Reached(found, tuple(dict.fromkeys(besides)), tuple(undeclared))


def _inputs(
    model: Model, provenance: Provenance, models: Mapping[str, Model], sources: Mapping[str, Source]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What it reads, each with the columns that narrow it down."""
    about = model.reach.deliveries_of
    names = [*model.inputs, *(name for name, source in sources.items() if source.name == about)]
    for name in dict.fromkeys(names):
        if name in models:
            pairs = provenance.of_input(models[name].name)
            columns: Iterable[str] = models[name].columns
        elif name in sources:
            source = sources[name]
            pairs = provenance.of_input(source.name)
            columns = [column.name for column in source.columns]
            if model.provenance is None:  # one row for each line, as staging models are
                pairs = tuple((column, column) for column in _identifying(source))
        else:
            continue  # a table of the platform's own
        if pairs is not None:
            known = set(columns)
            yield name, [(mine, theirs) for mine, theirs in pairs if theirs in known]


def _identifying(source: Source) -> Iterator[str]:
    named = {*source.files.key, source.files.sender_column}
    return (column.name for column in source.columns if column.name in named or column.references is not None)


def _peers(rows: "_Rows", provenance: Provenance, wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    """The other rows of the same days that these are compared with."""
    if provenance.peers is None:
        return
    for part in wanted:
        yield Wanted(part.days, rows.narrowing(part, [(column, column) for column in provenance.peers]), is_peer=True)


def _days_read(rows: "_Rows", provenance: Provenance, part: Wanted) -> Iterator[Days]:
    reach, since = rows.model.reach, provenance.since
    found = rows.distinct(part, (DAY, since)) if since is not None else None
    if found is None or since is None:
        yield from (reach.covered(first, last) for first, last in part.days)
        return
    for row in found:
        first, last = reach.covered(row[DAY], row[DAY])
        yield max(first, _first_read(row[DAY], row[since]) or first), last


def _first_read(day: date, since: Any) -> date | None:
    match since:
        case int():
            return day - timedelta(days=since)
        case datetime():
            return since.date()
        case date():
            return since
    return None


@dataclass(frozen=True)
class _Rows:
    """The rows of a model, looked up."""

    reader: Reader
    model: Model
    columns: frozenset[str]
    """That its table has; none where it was not built."""
    _known: dict[tuple[int, tuple[str, ...]], list[dict[str, Any]] | None] = field(default_factory=dict)

    def narrowing(self, part: Wanted, pairs: Sequence[tuple[str, str]]) -> dict[str, frozenset[Any]]:
        """What rows of an input must hold to be behind these. Only if nothing is known of them, they are looked up."""
        known = {theirs: part.values[mine] for mine, theirs in pairs if mine in part.values}
        if known:
            return known
        found = {theirs: self.values(part, mine) for mine, theirs in pairs}
        return {column: values for column, values in found.items() if values is not None}

    def values(self, part: Wanted, column: str) -> frozenset[Any] | None:
        """The values of a column; None if they narrow nothing down: there are too many, or a row has none."""
        rows = self.distinct(part, (column,))
        found = None if rows is None else frozenset(row[column] for row in rows)
        return None if not found or None in found else found

    def distinct(self, part: Wanted, columns: Sequence[str]) -> list[dict[str, Any]] | None:
        """What these columns hold; None if that can't be known."""
        if part.rows is not None:
            if not all(column in row for row in part.rows for column in columns):
                return None
            return [{column: row[column] for column in columns} for row in part.rows]
        if self.model.is_view or not set(columns) <= self.columns:
            return None  # a view would be worked out once more, for days and days
        key = id(part), tuple(columns)
        if key not in self._known:
            named = ", ".join(map(quoted, columns))
            table = TableName(self.model.schema_name, self.model.name)
            found = self.reader.query(
                f"select distinct {named} from {table} where {self._condition(part)} limit {_MOST_VALUES + 1}"
            )
            self._known[key] = found.to_pylist() if found.num_rows <= _MOST_VALUES else None
        return self._known[key]

    def _condition(self, part: Wanted) -> str:
        parts = [
            f"{quoted(column)} in ({listed(values)})"
            for column, values in part.values.items()
            if column in self.columns
        ]
        if DAY in self.columns and part.days != EVER:
            parts.insert(0, within(quoted(DAY), part.days))
        return " and ".join(parts) or "1 = 1"


def _as_few(wanted: Iterable[Wanted]) -> list[Wanted]:
    """The same rows in fewer sets; of very many sets some more rows."""
    few = _joined_by(wanted, lambda one: (one.is_peer, frozenset(one.values.items())))
    few = _joined_by(few, lambda one: (one.is_peer, one.days, *one.values) if len(one.values) == 1 else id(one))
    if len(few) > _MOST_APART:
        few = _joined_by(few, lambda one: (one.is_peer, *sorted(one.values)))
    return few


def _joined_by(wanted: Iterable[Wanted], key: Callable[[Wanted], Any]) -> list[Wanted]:
    found: dict[Any, Wanted] = {}
    for one in wanted:
        found[key(one)] = _both(found[key(one)], one) if key(one) in found else one
    return list(found.values())


def _both(one: Wanted, other: Wanted) -> Wanted:
    values = {column: one.values[column] | other.values[column] for column in one.values}
    return Wanted(tuple(joined([*one.days, *other.days])), values, one.is_peer)


def joined(spans: Iterable[Days]) -> list[Days]:
    """The same days in as few stretches as possible."""
    found: list[Days] = []
    for first, last in sorted(spans):
        if found and (found[-1][1] == date.max or first <= found[-1][1] + timedelta(days=1)):
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
