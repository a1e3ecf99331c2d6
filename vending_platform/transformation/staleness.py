"""What has to be built: the raw content each model rests on now, held against what its last build rested on. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from vending_platform.catalog import Model
from vending_platform.transformation.versions import RawVersions

Built = Mapping[tuple[str, date | None], str]
"""Per model and business day (None: as a whole), the raw version that its last good build rested on; empty where a
build was begun and did not end, or its checks failed."""


@dataclass(frozen=True)
class Window:
    """One dbt run: these models, of which those that are built day by day are built for these business days."""

    models: tuple[Model, ...]
    first_day: date | None = None
    last_day: date | None = None

    def days(self, model: Model) -> Iterator[date | None]:
        """What the run builds of one of its models; None stands for all of it."""
        if not model.is_daily or self.first_day is None or self.last_day is None:
            yield None
            return
        day = self.first_day
        while day <= self.last_day:
            yield day
            day += timedelta(days=1)


def stale_days(models: Iterable[Model], raw: RawVersions, built: Built) -> dict[date, frozenset[str]]:
    """Per business day, the names of the models whose rows of that day are older than the raw rows."""
    stale: dict[date, set[str]] = {}
    for model in models:
        if not model.is_daily:
            continue
        once = {day for name, day in built if name == model.name and day is not None}
        for day in raw.days_of(model) | once:
            if built.get((model.name, day)) != raw.of(model, day):
                stale.setdefault(day, set()).add(model.name)
    return {day: frozenset(names) for day, names in sorted(stale.items())}


def windows(
    models: Iterable[Model],
    raw: RawVersions,
    built: Built,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    blocked: Mapping[str, frozenset[date | None]] = MappingProxyType({}),
) -> list[Window]:
    """The runs that bring every model up to date: contiguous days that need the same models are one, and the first of
    them also builds what is built as a whole, so that a check between two models finds both.

    With `first_day` and `last_day` only these days; what is `blocked` never.
    """
    models = [model for model in models if None not in blocked.get(model.name, ())]
    wholes = [model for model in models if not model.is_daily and built.get((model.name, None)) != raw.of(model, None)]
    stale = {
        day: allowed
        for day, names in stale_days(models, raw, built).items()
        if (allowed := frozenset(name for name in names if day not in blocked.get(name, ())))
    }
    found: list[Window] = []
    run: list[date] = []
    for day, names in stale.items():
        if (first_day and day < first_day) or (last_day and day > last_day):
            continue
        if run and (day - run[-1] > timedelta(days=1) or stale[run[-1]] != names):
            found.append(_window(models, stale[run[-1]], run))
            run = []
        run.append(day)
    if run:
        found.append(_window(models, stale[run[-1]], run))
    if wholes and found:
        found[0] = Window((*wholes, *found[0].models), found[0].first_day, found[0].last_day)
    elif wholes:
        found.append(Window(tuple(wholes)))
    return found


def _window(models: Iterable[Model], names: frozenset[str], days: list[date]) -> Window:
    return Window(tuple(model for model in models if model.name in names), days[0], days[-1])
