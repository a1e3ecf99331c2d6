"""What has to be built: the raw content each model rests on now, held against what its last build rested on. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from types import MappingProxyType

from vending_platform.catalog import Days, Model, months
from vending_platform.transformation.versions import RawVersions

Built = Mapping[tuple[str, date | None], str]
"""Per model and business day (None: as a whole), the raw version that its last good build rested on; empty where a
build was begun and did not end, or its checks failed."""
Blocked = Mapping[str, frozenset[date | None]]
"""Per model the days that must not be built; None stands for all of it."""
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
    """What is stale only because of a model that it is built from: once that one is built, nothing shows it any more.
    So it has to be written down before."""
    stale = _stale(models, raw, built, blocked)
    return {
        (model.name, day)
        for model, days in stale.items()
        for day in days
        if built.get((model.name, day)) == raw.of(model, day)
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

    With `first_day` and `last_day` only these days, and of a model of whole months their months; what is `blocked`
    never.
    """
    held = {name for name, days in blocked.items() if None in days}
    # A view of what waits waits too: there may be nothing yet that it could look at.
    models = [m for m in models if m.name not in held and not (m.is_view and m.rests_on & held)]
    numbers: dict[str, list[tuple[Sequence[date], int]]] = {}
    wholes: dict[str, int] = {}
    runs: list[dict[Model, Sequence[date]]] = []
    for model, stale in _stale(models, raw, built, blocked).items():
        before = [placed for name in sorted(model.rests_on) for placed in numbers.get(name, ())]
        if not model.is_daily:
            if stale:
                wholes[model.name] = max((number for _, number in before), default=0)
                _place(runs, wholes[model.name], model, ())
            continue
        wanted = [day for day in stale if day and (first_day or day) <= day <= (last_day or day)]
        number = -1
        placed = numbers[model.name] = []
        for days in _runs_of_days(model, wanted, raw, blocked):
            first, last = model.reach.covered(days[0], days[-1])
            needed = (other for there, other in before if there[0] <= last and first <= there[-1])
            number = max((number + 1, *needed, *(wholes[name] for name in model.rests_on & wholes.keys())))
            placed.append((days, number))
            _place(runs, number, model, days)
    return [
        Window(tuple(run), {model.name: days for model, days in run.items() if days})
        for run in (dict(sorted(run.items(), key=lambda item: models.index(item[0]))) for run in runs)
        if run
    ]


def _place(runs: list[dict[Model, Sequence[date]]], number: int, model: Model, days: Sequence[date]) -> None:
    runs += ({} for _ in range(number + 1 - len(runs)))
    runs[number][model] = days


def _stale(models: Iterable[Model], raw: RawVersions, built: Built, blocked: Blocked) -> dict[Model, list[date | None]]:
    """Per model its stale days, or None if it is built as a whole; models come after those that they are built from."""
    found: dict[Model, list[date | None]] = {}
    comes: dict[str, list[date | None]] = {}
    """Per model what of it can be built, and with it moves what is built from it."""
    once: dict[str, set[date]] = defaultdict(set)
    for name, day in built:
        if day is not None:
            once[name].add(day)
    for model in models:
        behind = [days for name, days in comes.items() if name in model.rests_on and days]
        if model.is_daily:
            name, now = model.name, raw.of_days(model)
            moved = [model.reach.reached(*span) for days in behind for span in _spans(days)]
            gone = {day: raw.of(model, day) for day in once[name] - now.keys()}
            stale: list[date | None] = [
                day
                for day, version in sorted({**now, **gone}.items())
                if built.get((name, day)) != version or any(first <= day <= last for first, last in moved)
            ]
        else:
            is_stale = built.get((model.name, None)) != raw.of(model, None)
            stale = [None] if is_stale or (behind and not model.is_view) else []
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
