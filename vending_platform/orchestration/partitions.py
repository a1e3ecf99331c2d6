"""Which business days are partitions: of the deliveries, and of what is built and exported from them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from vending_platform.catalog import Catalog, Days, Model, Undeclared
from vending_platform.environment import BUSINESS_TIME_ZONE, Environment


@dataclass(frozen=True)
class BusinessDays:
    """Every business day from the first that a contract allows until today; or until yesterday, where runs are
    scheduled; or those that are `delivered`, on a laptop, whose sample is of any age and ends some day."""

    catalog: Catalog
    delivered: Days | None = None
    is_scheduled: bool = False

    def of(self, model: Model | None = None) -> dg.DailyPartitionsDefinition:
        """Of daily deliveries; of a model those of the contracts that it rests on, so that one with a long history
        gives no other its days. Days of rows, which no file's name has, are those that their contract allows."""
        read = [source for source in self.catalog if source.is_daily]
        of_rows = []
        if model is not None:
            sources = [self.catalog.source(name) for name in model.files_of]
            # Those of daily deliveries have theirs in common: one requested range is then one run.
            read = read if any(source.is_daily for source in sources) else []
            of_rows = [source for source in sources if source.has_days and not source.is_daily]
        if self.delivered is not None and read and not of_rows:
            first, last = self.delivered
            return _days(first, end_date=(last + timedelta(days=1)).isoformat())
        firsts = [source.files.first_day for source in (*read, *of_rows)]
        return _days(min(firsts, default=date(2020, 1, 1)), end_offset=0 if self.is_scheduled else 1)

    def by_partitions(self, models: Iterable[Model]) -> dict[dg.DailyPartitionsDefinition, list[Model]]:
        """Models with days, by the partitions that they have."""
        found: dict[dg.DailyPartitionsDefinition, list[Model]] = {}
        for model in models:
            found.setdefault(self.of(model), []).append(model)
        return found

    def named_for(self, name: str, partitions: dg.DailyPartitionsDefinition) -> str:
        """Of assets that have other days than those of the daily deliveries, the name has from when on."""
        return name if partitions == self.of() else f"{name}_from_{partitions.start:%Y_%m_%d}"


def business_days(catalog: Catalog, environment: Environment) -> BusinessDays:
    """Those of an environment, as they are when its definitions are loaded."""
    if environment.transformation_starts is not None:
        return BusinessDays(catalog, is_scheduled=True)
    days = list(_delivered(catalog, environment.places.raw))
    return BusinessDays(catalog, (min(days), max(days)) if days else None)


def _days(start: date, *, end_date: str | None = None, end_offset: int = 0) -> dg.DailyPartitionsDefinition:
    return dg.DailyPartitionsDefinition(start.isoformat(), end_date, timezone=BUSINESS_TIME_ZONE, end_offset=end_offset)


def _delivered(catalog: Catalog, place: str) -> Iterator[date]:
    """The days of the files in a local folder, by their names; another place is not read before a run."""
    if "://" in place:
        return
    tomorrow = datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date() + timedelta(days=1)
    for folder, _, names in os.walk(place):
        for name in names:
            found = catalog.identify(Path(folder, name).relative_to(place).as_posix())
            if isinstance(found, Undeclared):
                continue
            source, parts = found
            if source.is_daily and parts.business_date is not None and parts.business_date <= tomorrow:
                yield parts.business_date
