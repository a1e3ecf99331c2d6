"""Whatever came in between, masters and all that rests on them are as in a fresh data folder with the files that are
there in the end (and with what undated files held before, under the days on which they were stored)."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from vending_platform.catalog import Catalog
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.master_histories import CONTENTS, FLEET, History, Stored, histories
from vending_platform_tests.end_to_end.small_platform import SmallPlatform
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.properties import examples

IN_CORE = ("fct_sales", "dim_products", "dim_machines", "dim_payment_methods", "dim_staff")
"""Some tables of the small project, few enough for a history to take seconds."""
ANY_WAY: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],  # a smaller example takes minutes to find
}
fleets = st.tuples(*(histories(master) for master in CONTENTS))
"""Five histories, one of each master."""


@examples(4, **ANY_WAY)
@given(fleet=fleets, data=st.data())
def test_twenty_histories_of_masters_end_as_in_a_fresh_data_folder(
    core: Core, fleet: Sequence[History], data: st.DataObject
) -> None:
    core.hand_over()
    assert_ends_as_fresh(core.catalog, core, fleet, data, most_builds=1, models=IN_CORE)


@pytest.mark.proof
@settings(max_examples=60, **ANY_WAY)
@given(fleet=fleets, data=st.data())
def test_three_hundred_histories_of_masters_end_as_in_a_fresh_data_folder(
    catalog: Catalog, fleet: Sequence[History], data: st.DataObject
) -> None:
    assert_ends_as_fresh(catalog, None, fleet, data, most_builds=2)


def assert_ends_as_fresh(
    catalog: Catalog, core: Core | None, fleet: Sequence[History], data: st.DataObject, most_builds: int, **options: Any
) -> None:
    paths = [events for history in fleet for events in history.events.items()]
    rounds = list(zip_longest(*(events for _, events in paths)))
    built_after = data.draw(
        st.sets(st.integers(0, max(len(rounds) - 2, 0)), min_size=1, max_size=most_builds), label="built after"
    )
    with mock.patch.dict(os.environ, DBT_EXCLUDE_RESOURCE_TYPES="test unit_test", DBT_WRITE_JSON="false"):
        with fresh_small_platform(catalog, core) as small_platform:
            for number, events in enumerate(rounds):
                for (path, _), stored in zip(paths, events, strict=True):
                    if stored is not None:
                        note(f"{number}: {path} {stored}")
                        stored.put(small_platform.raw_folder.sources / path)
                small_platform.raw_folder.ingest()
                if number in built_after:
                    small_platform.transform(**options)
                    small_platform.export()
            small_platform.raw_folder.ingest(withdraw=True)
            outcome = built(small_platform, options)
            assert small_platform.transform(**options).windows == [], "a second run finds something to do"
        with fresh_small_platform(catalog, core) as small_platform:
            for history in fleet:
                for path, stored in history.final.items():
                    stored.put(small_platform.raw_folder.sources / path)
            small_platform.raw_folder.ingest()
            fresh = built(small_platform, options)
            assert [name for name in outcome.keys() | fresh.keys() if outcome.get(name) != fresh.get(name)] == []


@contextmanager
def fresh_small_platform(catalog: Catalog, core: Core | None) -> Iterator[SmallPlatform]:
    with tempfile.TemporaryDirectory() as folder:
        small_platform = SmallPlatform(RawFolder(Path(folder), catalog), core)
        for path, content in FLEET.items():
            Stored(content, "2024-03-12").put(small_platform.raw_folder.sources / path)
        yield small_platform


def built(small_platform: SmallPlatform, options: dict[str, Any]) -> dict[str, object]:
    """Every row of every table, and every exported byte."""
    small_platform.transform(**options)
    small_platform.export()
    tables: dict[str, object] = {"exports": small_platform.exports()}
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        there = reader.query("select table_schema, table_name, table_type from information_schema.tables").to_pylist()
        for table in there:
            if table["table_schema"] in ("intermediate", "marts") and table["table_type"] != "VIEW":
                name = f"{table['table_schema']}.{table['table_name']}"
                tables[name] = sorted(map(repr, reader.query(f"select * from {name}").to_pylist()))
    return tables
