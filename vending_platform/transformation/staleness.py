"""What has to be built: the raw content each model rests on now, held against what its last build rested on. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from types import MappingProxyType

from vending_platform.catalog import Days, Model, months
from vending_platform.ledger import UNFINISHED
from vending_platform.transformation.input_versions import RawVersions

Built = Mapping[tuple[str, date | None], str]
"""Per model and business day (None: as a whole), the raw version that its last good build rested on; empty where a
build was begun and did not end, or its checks failed."""
Blocked = Mapping[str, frozenset[date | None]]
"""Per model the days that must not be built; None stands for all of it."""
OTHER_CODE = "built by other code"
"""In the place of a raw version that would not count, whatever it is."""
_NONE: Blocked = MappingProxyType({})


@dataclass(frozen=True)
class Window:
    """One dbt run: these models, of which those that are built day by day are built for these business days."""

    models: tuple[Model, ...]
    built: Mapping[str, Sequence[date]] = field(default_factory=dict)
    """Per model that is built day by day, its days: all there are from the first to the last of them."""

    def days(self, model: Model) -> Iterator[date | None]:
        """What the run builds of one of its models; None stands for all of it."""
        yield from self.built.get(model.name, [None])

    def span(self, model: Model) -> Days:
        """From its first to its last day; of a model of whole months, to the months' ends."""
        days = self.built[model.name]
        return months(days[0], days[-1]) if model.reach.whole_months else (days[0], days[-1])

    @property
    def first_day(self) -> date | None:
        return min((days[0] for days in self.built.values()), default=None)

    @property
    def last_day(self) -> date | None:
        return max((days[-1] for days in self.built.values()), default=None)


def stale_days(
    models: Iterable[Model], raw: RawVersions, built: Built, blocked: Blocked = _NONE
) -> dict[date, frozenset[str]]:
    """Per business day, the names of the models whose rows of that day are older than the raw rows, or than the rows of
    a model that they are built from."""
    stale: dict[date, set[str]] = {}
    for model, days in _stale(models, raw, built, blocked).items():
        for day in days:
            if day is not None:
                stale.setdefault(day, set()).add(model.name)
    return {day: frozenset(names) for day, names in sorted(stale.items())}


def unseen(models: Iterable[Model], raw: RawVersions, built: Built, blocked: Blocked) -> set[tuple[str, date | None]]:
    """What is stale because of a model that it is built from: once that one is built nothing shows it any more, or not
    for long if it waits itself, and its own deliveries become as they were before. So it has to be written down before.
    """
    stale = _stale(models, raw, built, blocked)
    return {
        (model.name, day)
        for model, days in stale.items()
        for day, is_moved in days.items()
        if is_moved and built.get((model.name, day), UNFINISHED) not in (UNFINISHED, OTHER_CODE)
    }


def windows(
    models: Iterable[Model],
    raw: RawVersions,
    built: Built,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    blocked: Blocked = _NONE,
) -> list[Window]:
    """The runs that bring every model up to date, as few as there can be if each has only contiguous days of a model,
    and never before the days of other models that they are built from.

    The first of them also builds what is built as a whole, so that a check between two models finds both; but what is
    made of a daily model comes with the last of its days, and what is made of that not before.

    A model that has no day to be built and never had one is built for some day, so that its table is there, and empty.

    With `first_day` and `last_day` only these days (their months, for a model of months); what is `blocked` never.
    """
    held = {name for name, days in blocked.items() if None in days}
    # A view of what waits waits too: there may be nothing yet that it could look at.
    models = [m for m in models if m.name not in held and not (m.is_view and m.rests_on & held)]
    there = {name for (name, _), version in built.items() if version}
    found = _stale(models, raw, built, blocked)
    asked = {
        model: _between(stale, model.grain.start(first_day) if first_day else None, last_day)
        for model, stale in found.items()
    }
    spare = sorted({day for days in asked.values() for day in days}) or raw.last_days(first_day, last_day)
    numbers: dict[str, list[tuple[Sequence[date], int]]] = {}
    wholes: dict[str, int] = {}
    runs: list[dict[Model, Sequence[date]]] = []
    for model, stale in found.items():
        before = [placed for name in sorted(model.rests_on) for placed in numbers.get(name, ())]
        if not model.is_dated:
            if stale:
                wholes[model.name] = max((number for _, number in before), default=0)
                _place(runs, wholes[model.name], model, ())
            continue
        # Where it has no such day, its table still has to be there for those that read it.
        stretches = list(_runs_of_days(model, asked[model], raw, blocked))
        stretches = stretches or _on_one_of(() if model.name in there else spare, model, blocked)
        begins = [numbers[name][0][1] for name in model.rests_on - there if numbers.get(name)]
        number = -1
        placed = numbers[model.name] = []
        for days in stretches:
            first, last = model.reach.covered(days[0], days[-1])
            needed = (other for read, other in before if read[0] <= last and first <= read[-1])
            number = max((number + 1, *begins, *needed, *(wholes[name] for name in model.rests_on & wholes.keys())))
            placed.append((days, number))
            _place(runs, number, model, days)
    order = [dict(sorted(run.items(), key=lambda item: models.index(item[0]))) for run in runs if run]
    return [Window(tuple(run), {model.name: days for model, days in run.items() if days}) for run in order]


def _between(days: Iterable[date | None], first: date | None, last: date | None) -> list[date]:
    return [day for day in days if day and (first or day) <= day <= (last or day)]


def _on_one_of(days: Sequence[date], model: Model, blocked: Blocked) -> list[list[date]]:
    starts = dict.fromkeys(map(model.grain.start, days))
    return [[day] for day in starts if day not in blocked.get(model.name, ())][:1]


def _place(runs: list[dict[Model, Sequence[date]]], number: int, model: Model, days: Sequence[date]) -> None:
    runs += ({} for _ in range(number + 1 - len(runs)))
    runs[number][model] = days


def _stale(
    models: Iterable[Model], raw: RawVersions, built: Built, blocked: Blocked
) -> dict[Model, dict[date | None, bool]]:
    """Per model its stale days, or None if it is built as a whole, and of each whether something that it is built from
    moves it; models come after those that they are built from."""
    found: dict[Model, dict[date | None, bool]] = {}
    comes: dict[str, list[date | None]] = {}
    """Per model what of it can be built, and with it moves what is built from it."""
    once: dict[str, set[date]] = defaultdict(set)
    for name, day in built:
        if day is not None:
            once[name].add(day)
    for model in models:
        behind = [days for name, days in comes.items() if name in model.rests_on and days]
        stale: dict[date | None, bool] = {}
        if model.is_dated:
            name, now = model.name, raw.of_days(model)
            moved = [model.reach.reached(*span) for days in behind for span in _spans(days)]
            gone = {day: raw.of(model, day) for day in once[name] - now.keys()}
            for day, version in sorted({**now, **gone}.items()):
                is_moved = any(first <= day <= last for first, last in moved)
                if is_moved or built.get((name, day)) != version:
                    stale[day] = is_moved
        else:
            is_moved = bool(behind) and not model.is_view
            if is_moved or built.get((model.name, None)) != raw.of(model, None):
                stale[None] = is_moved
        found[model] = stale
        held = blocked.get(model.name, frozenset())
        if not model.is_view and None not in held:
            comes[model.name] = [day for day in stale if day not in held]
    return found


def _spans(days: Sequence[date | None]) -> Iterator[Days]:
    """Contiguous days as one."""
    for contiguous in _contiguous([day for day in days if day is not None]):
        yield contiguous[0], contiguous[-1]


def _contiguous(days: Sequence[date]) -> Iterator[list[date]]:
    for _, group in groupby(enumerate(days), key=lambda numbered: numbered[1].toordinal() - numbered[0]):
        yield [day for _, day in group]


def _runs_of_days(model: Model, wanted: Sequence[date], raw: RawVersions, blocked: Blocked) -> Iterator[list[date]]:
    """Contiguous days; of a model of whole months all days of contiguous months."""
    held = blocked.get(model.name, frozenset())
    if not model.reach.whole_months:
        yield from _contiguous([day for day in wanted if day not in held])
        return
    touched = sorted({months(day, day) for day in wanted if day not in held})
    known = sorted(raw.days_of(model) | set(wanted))
    run: list[date] = []
    for first, last in touched:
        days = [day for day in known if first <= day <= last and day not in held]
        if run and first - months(run[-1], run[-1])[1] > timedelta(days=1):
            yield run
            run = []
        run += days
    if run:
        yield run
