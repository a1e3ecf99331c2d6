"""What marts and exports hold depends on the content of the files alone: not on order, batches, repeats or crashes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import strategies as st

from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.crashing import run_until
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, SmallPlatform, day_of_sales, name, products
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.properties import examples

SHARED = f"VM001-{DAYS[0]}-0001"
LATER: dict[str, bytes] = {
    name(DAYS[1]): day_of_sales(DAYS[1], 1, unit_price=150),
    name(DAYS[3]): day_of_sales(DAYS[3], 1, 2, transaction_id=SHARED, product_id="P9"),
    name(DAYS[4], "VM002"): day_of_sales(DAYS[4], 1, machine_id="VM002"),
    "products_20240303.csv": products(P1=80, P2=60, P9=70),
    "products_20240301.csv": products(P1=55, P2=60),
}
"""Corrections, a row key for two days, a late machine, a late master that knows a product, a corrected one."""


@contextmanager
def fresh_small_platform(core: Core) -> Iterator[SmallPlatform]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sources").mkdir()
        core.hand_over()
        yield SmallPlatform(RawFolder(Path(folder), core.catalog), core)


@pytest.fixture(scope="module")
def expected(core: Core) -> tuple[object, object, set[tuple[object, ...]]]:
    """The plain way: the last content of everything at once."""
    with fresh_small_platform(core) as small_platform:
        small_platform.run({**FILES, **LATER})
        small_platform.export()
        return small_platform.marts(), small_platform.exports(), small_platform.checked_days()


@examples(2, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_any_batches_any_crashes_give_the_same_marts_and_exports(
    core: Core, expected: tuple[object, object, set[tuple[object, ...]]], data: st.DataObject
) -> None:
    first = [(path, FILES[path]) for path in sorted(FILES)]
    order = data.draw(st.permutations(first), label="order")
    cut = data.draw(st.integers(1, len(order) - 1), label="first batch")
    early = data.draw(st.sets(st.sampled_from(sorted(set(LATER) - set(FILES)))), label="come before their time")
    crashes = data.draw(st.lists(st.integers(0, 90), min_size=2, max_size=2), label="killed at")
    batches = [
        dict(order[:cut]) | {path: LATER[path] for path in early},
        dict(order[cut:]) | LATER,
    ]
    with fresh_small_platform(core) as small_platform:
        for batch, kill_at in zip(batches, crashes, strict=True):
            small_platform.raw_folder.deliver(batch)
            died = run_until(small_platform.raw_folder.folder, core, kill_at)
            note(f"killed at {kill_at}: {died}")
        small_platform.raw_folder.deliver(
            dict(order[:2]) if not set(dict(order[:2])) & set(LATER) else {}
        )  # the same again
        small_platform.raw_folder.ingest()
        small_platform.transform()
        small_platform.export()
        assert (small_platform.marts(), small_platform.exports()) == expected[:2]
        assert expected[2] - small_platform.checked_days() == set(), "not recorded"
