"""What a run will build, and why: told before it begins. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from vending_platform.catalog import Model, changed_parts
from vending_platform.ledger import MIXED, UNFINISHED, Build
from vending_platform.transformation.builds import Builds
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.transformation.staleness import Window

_SHOWN = 3
FORGOTTEN = "an earlier version of the platform built it"
IN_PART = "it was built from tables of older code"


class Why(StrEnum):
    """Why something is built; in the order in which it is told."""

    NEW = "never built before"
    CODE = "changed code"
    DELIVERIES = "new or corrected deliveries"
    AGAIN = "the last build did not end well"
    READS = "what it is built from is built again"
    ASKED = "asked for"


@dataclass(frozen=True)
class Work:
    """Builds that have the same reason."""

    why: Why
    because: tuple[str, ...]
    """Of changed code its parts, in words: `macro round_yen`."""
    models: tuple[str, ...]
    days: tuple[date, ...]
    """Of the models that are built by day."""
    rows: int
    """How many rows they held when they were built last."""

    def __str__(self) -> str:
        because = f" ({_few(self.because, 'parts')})" if self.because else ""
        sizes = [f"{self.why}{because}: {_few(self.models, 'models')}"]
        if self.days:
            span = f"{self.days[0]} to {self.days[-1]}" if len(self.days) > 1 else f"{self.days[0]}"
            sizes.append(f"{_count(len(self.days), 'day')} ({span})")
        if self.rows:
            sizes.append(f"about {_count(self.rows, 'row')}")
        return ", ".join(sizes)


@dataclass(frozen=True)
class BuildPlan:
    todo: tuple[Work, ...] = ()
    postponed: tuple[Work, ...] = ()
    """What stays as older code has built it."""


def brought_along(todo: Callable[[Set[str]], list[Window]], counting: Set[str], outdated: Set[str]) -> list[Window]:
    """The windows of a run for which the code of the models in `counting` counts, and no other. Of `outdated` models
    that are built as a whole those come along that something in the run is built from: it may need their columns."""
    windows = todo(counting)
    while (
        more := {name for window in windows for model in window.models for name in model.rests_on & outdated} - counting
    ):
        counting = counting | more
        windows = todo(counting)
    return windows


def is_mixed(model: Model, models: Mapping[str, Model], waiting: Mapping[str, Set[date]]) -> bool:
    """Whether it is built from days that are `waiting` to be built, through a table that is built as a whole: when
    these days are built, nothing else shows that this model rests on them."""
    if model.is_view:
        return False  # it has no rows
    wholes = (models[name] for name in {model.name, *model.rests_on} if not models[name].is_dated)
    return any(waiting.get(name) for whole in wholes if not whole.is_view for name in whole.rests_on)


def works(
    builds: Iterable[Build],
    ledger: Builds,
    models: Iterable[Model],
    raw: RawVersions,
    parts: Mapping[str, Mapping[str, str]],
    asked: Set[Build] = frozenset(),
) -> tuple[Work, ...]:
    """These builds by their reasons; `parts` are those of the codes that are in the ledger."""
    known = {model.name: model for model in models}
    grouped: dict[tuple[Why, tuple[str, ...]], list[Build]] = defaultdict(list)
    because: dict[tuple[str, str | None], tuple[str, ...]] = {}
    for build in builds:
        model, said = known[build[0]], tuple[str, ...]()
        why = _why(build, model, ledger, raw, asked)
        if why is Why.CODE:
            before = (model.name, ledger.codes[build])
            if before not in because:
                because[before] = _because(model, before[1], parts)
            said = because[before]
        grouped[why, said].append(build)
    order = list(Why)
    return tuple(
        _work(why, said, grouped[why, said], ledger)
        for why, said in sorted(grouped, key=lambda group: (order.index(group[0]), -len(grouped[group])))
    )


def builds_of(windows: Iterable[Window]) -> list[Build]:
    return [(model.name, day) for window in windows for model in window.models for day in window.days(model)]


def _why(build: Build, model: Model, ledger: Builds, raw: RawVersions, asked: Set[Build]) -> Why:
    version = ledger.versions.get(build)
    if version is None:
        return Why.NEW
    if version == UNFINISHED:
        return Why.AGAIN
    if ledger.codes[build] != model.code:
        return Why.CODE
    if version != raw.of(model, build[1]):
        return Why.DELIVERIES
    return Why.ASKED if build in asked else Why.READS


def _because(model: Model, code: str | None, parts: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    if code == MIXED:
        return (IN_PART,)
    if code is None or code not in parts:
        return (FORGOTTEN,)
    return tuple(changed_parts(parts[code], dict(model.parts)))


def _work(why: Why, because: tuple[str, ...], builds: Sequence[Build], ledger: Builds) -> Work:
    days = sorted({day for _, day in builds if day is not None})
    rows = sum(ledger.rows.get(build) or 0 for build in builds)
    return Work(why, because, tuple(dict.fromkeys(name for name, _ in builds)), tuple(days), rows)


def _few(names: Sequence[str], nouns: str) -> str:
    more = f" and {len(names) - _SHOWN} more {nouns}" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
