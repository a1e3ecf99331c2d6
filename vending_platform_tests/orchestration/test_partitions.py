"""Which business days are partitions."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble

TODAY = datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date()


def partitions_of(platform: Platform) -> set[tuple[str, str]]:
    """The first and the last partition of sales, and of what rests on them: what is extracted has days of its own."""
    found = set()
    of_sales = (["raw", "sales"], ["marts", "fct_sales"], ["exports", "sales_by_day"])
    for spec in assemble(platform, {}).resolve_all_asset_specs():
        if list(spec.key.path) in of_sales and isinstance(spec.partitions_def, dg.DailyPartitionsDefinition):
            keys = spec.partitions_def.get_partition_keys()
            found.add((keys[0], keys[-1]))
    return found


def deliver(platform: Platform, *names: str) -> None:
    for name in names:
        path = Path(platform.environment.places.raw) / name
        path.parent.mkdir(exist_ok=True)
        path.touch()


def test_on_a_laptop_they_begin_and_end_with_the_deliveries(platform: Platform) -> None:
    deliver(platform, "sales_VM001_20240305.csv", "some_folder/replenishment_records_VM002_20240302.csv")
    deliver(platform, "sales_VM001_29990101.csv", "notes_20240101.txt", "products_20240201.csv")
    assert partitions_of(platform) == {("2024-03-02", "2024-03-05")}


def test_without_deliveries_they_end_today(platform: Platform) -> None:
    assert {last for _, last in partitions_of(platform)} <= {f"{TODAY}", f"{TODAY + timedelta(days=1)}"}


def test_where_runs_are_scheduled_they_end_with_yesterday(platform: Platform) -> None:
    deliver(platform, "sales_VM001_20240305.csv")
    scheduled = replace(platform.environment, transformation_starts="04:00")
    found = partitions_of(replace(platform, environment=scheduled))
    assert {first for first, _ in found} == {"2024-01-01"}
    assert {last for _, last in found} <= {f"{TODAY - timedelta(days=1)}", f"{TODAY}"}
