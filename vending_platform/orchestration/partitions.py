"""Which business days or months are partitions: of the deliveries, and of what is built and exported from them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from vending_platform.catalog import Catalog, Days, Grain, Model, Undeclared
from vending_platform.environment import BUSINESS_TIME_ZONE, Environment

_FORMATS = {Grain.DAY: "%Y-%m-%d", Grain.MONTH: "%Y-%m"}
"""As `Grain.written` names a period."""


@dataclass(frozen=True)
class BusinessDays:
    """Every business day from the first that a contract allows until today; or until yesterday, where runs are
    scheduled; or those that are `delivered`, on a laptop, whose sample is of any age and ends some day. Of what comes
    by the month, every month: until this one, or the last that has ended, or those that are delivered."""

    catalog: Catalog
    delivered: Mapping[Grain, Days] = field(default_factory=dict)
    is_scheduled: bool = False

    def of(self, model: Model | None = None, *, grain: Grain = Grain.DAY) -> dg.TimeWindowPartitionsDefinition:
        """Of dated deliveries; of a model those of the contracts that it rests on, so that one with a long history
        gives no other its days. Days of rows, which no file's name has, are those that their contract allows."""
        grain = grain if model is None else model.grain
        read = [source for source in self.catalog if source.is_dated and source.grain is grain]
        of_rows = []
        if model is not None:
            sources = [self.catalog.source(name) for name in model.files_of]
            # Those of dated deliveries have theirs in common: one requested range is then one run.
            read = read if any(source.is_dated for source in sources) else []
            of_rows = [source for source in sources if source.has_days and not source.is_dated]
        if grain in self.delivered and read and not of_rows:
            first, last = self.delivered[grain]
            return _periods(grain, first, end=grain.end(last) + timedelta(days=1))
        firsts = [source.files.first_day for source in (*read, *of_rows)]
        return _periods(grain, min(firsts, default=date(2020, 1, 1)), end_offset=0 if self.is_scheduled else 1)

    @property
    def extracted(self) -> dg.TimeWindowPartitionsDefinition:
        """The days on which extractions ran or can run: until today."""
        firsts = [source.files.first_day for source in self.catalog if source.extract is not None]
        return _periods(Grain.DAY, min(firsts), end_offset=1)

    def by_partitions(self, models: Iterable[Model]) -> dict[dg.TimeWindowPartitionsDefinition, list[Model]]:
        """Models with days or months, by the partitions that they have."""
        found: dict[dg.TimeWindowPartitionsDefinition, list[Model]] = {}
        for model in models:
            found.setdefault(self.of(model), []).append(model)
        return found

    def named_for(self, name: str, partitions: dg.TimeWindowPartitionsDefinition) -> str:
        """Of assets that have other days or months than those of the deliveries, the name has from when on."""
        is_monthly = isinstance(partitions, dg.MonthlyPartitionsDefinition)
        grain = Grain.MONTH if is_monthly else Grain.DAY
        name = f"{name}_by_{grain.value}"
        return name if partitions == self.of(grain=grain) else f"{name}_from_{partitions.start:%Y_%m_%d}"


def business_days(catalog: Catalog, environment: Environment) -> BusinessDays:
    """Those of an environment, as they are when its definitions are loaded."""
    if environment.transformation_starts is not None:
        return BusinessDays(catalog, is_scheduled=True)
    delivered: dict[Grain, Days] = {}
    for grain, day in _delivered(catalog, environment.places.raw):
        first, last = delivered.get(grain, (day, day))
        delivered[grain] = (min(first, day), max(last, day))
    return BusinessDays(catalog, delivered)


def _periods(
    grain: Grain, start: date, *, end: date | None = None, end_offset: int = 0
) -> dg.TimeWindowPartitionsDefinition:
    kind = dg.MonthlyPartitionsDefinition if grain is Grain.MONTH else dg.DailyPartitionsDefinition
    form = _FORMATS[grain]
    return kind(
        start_date=grain.start(start).strftime(form),
        end_date=end.strftime(form) if end is not None else None,
        timezone=BUSINESS_TIME_ZONE,
        fmt=form,
        end_offset=end_offset,
    )


def _delivered(catalog: Catalog, place: str) -> Iterator[tuple[Grain, date]]:
    """The days and months of the files in a local folder, by their paths; another place is not read before a run."""
    if "://" in place:
        return
    tomorrow = datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date() + timedelta(days=1)
    for folder, _, names in os.walk(place):
        for name in names:
            found = catalog.identify(Path(folder, name).relative_to(place).as_posix())
            if isinstance(found, Undeclared):
                continue
            source, parts = found
            day = parts.business_date
            if source.is_dated and source.grain is not None and day is not None and day <= tomorrow:
                yield source.grain, day
