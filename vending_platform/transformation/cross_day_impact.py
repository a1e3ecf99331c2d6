"""What a change reaches beyond its own days. Two things cross from one day to another:

- a row key that was delivered in several files counts once, so a change of one of them decides about the others
  (`one_per_key.py`); which days share keys at all is passed to dbt, which then compares their rows and no others;
- a version of a master also holds on other days than its own, for keys that the versions of those days do not list.

Both are found by comparing only what changed since the last time; what was found then is in the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date

from vending_platform.catalog import Catalog, Days, DeliveryMode, Model
from vending_platform.transformation.carried import days_that_mention, days_when_due, moved_keys
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.transformation.one_per_key import same_keys
from vending_platform.warehouse import Change, Reader

Reached = dict[tuple[str, str | None], set[tuple[date, Days]]]
"""Per source and the master that is read for it: days of the source, and the days of the master that moved for them."""
_ALWAYS = (date.min, date.max)


@dataclass(frozen=True)
class Spread:
    """The model days that a change reaches besides its own, and how to remember what was compared."""

    reached: frozenset[tuple[str, date | None]]
    remember: tuple[Change, ...]
    shared: Mapping[str, Set[Days]]
    """Per daily source, every two days that share a key."""


def spread(reader: Reader, catalog: Catalog, raw: RawVersions) -> Spread:
    reached: Reached = defaultdict(set)
    remember: list[Change] = []
    shared: dict[str, set[Days]] = {}
    moved_sources: set[str] = set()
    for source in catalog:
        if source.files.delivery is not DeliveryMode.SNAPSHOT:
            found = same_keys(reader, source, raw)
            remember += found.remember
            if source.is_dated:
                shared[source.name] = found.days
            if found.moved:
                moved_sources.add(source.name)
            if source.name in raw.days:
                reached[source.name, None] |= {(day, _ALWAYS) for day in found.moved if day is not None}
        else:
            moved, changes = moved_keys(reader, catalog, source, raw)
            remember += changes
            for daily in (daily for daily in catalog if moved and daily.has_days):
                reached[daily.name, source.name].update(days_that_mention(reader, daily, source, moved))
                reached[daily.name, source.name].update(days_when_due(daily, source, moved, raw))
    whole = {(m.name, None) for m in catalog.models if _is_one_table(m) and not m.sources.isdisjoint(moved_sources)}
    return Spread(frozenset({*whole, *_model_days(catalog.models, raw, reached)}), tuple(remember), shared)


def _is_one_table(model: Model) -> bool:
    return not model.is_dated and not model.is_view and not model.is_seed


def _model_days(models: Iterable[Model], raw: RawVersions, reached: Reached) -> Iterator[tuple[str, date]]:
    for model in models:
        if not model.is_dated:
            continue
        spans = set()
        for (source, master), days in reached.items():
            if source in model.sources and (master is None or master in model.sources):
                spans |= {
                    _both(model.days_reached(source, day, day), _read(model, master, moved)) for day, moved in days
                }
        for day in raw.days_of(model):
            if any(first <= day <= last for first, last in spans):
                yield model.name, day


def _read(model: Model, master: str | None, moved: Days) -> Days:
    """The model's days that read these days of the master."""
    return moved if master is None else model.days_reached(master, *moved)


def _both(one: Days, other: Days) -> Days:
    return max(one[0], other[0]), min(one[1], other[1])
