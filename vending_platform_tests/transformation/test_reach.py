"""What looks back, ahead or at months: whatever is corrected, blocked or cut short, the end is the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vending_platform.catalog import EVERYTHING, MONTH, Model, Reach
from vending_platform.catalog.models import models_of
from vending_platform.catalog.reach import SAME_DAY, months, read_reach
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.transformation.staleness import Window, stale_days, unseen, windows
from vending_platform_tests.properties import examples

DAYS = [date(2024, 2, 27) + timedelta(days=number) for number in range(9)]
"""The end of a month and the beginning of another."""
REACHES: dict[str, tuple[Any, list[str]]] = {
    "fct_sales": ("same_day", []),
    "stock": ({"days_before": 2}, ["fct_sales"]),
    "episodes": ({"days_before": 1, "days_after": 2}, ["stock"]),
    "monthly": ("month", ["fct_sales", "stock"]),
    "daily": ("same_day", ["stock", "episodes"]),
    "told": ({"deliveries_of": "sales"}, []),
}


def manifest() -> dict[str, Any]:
    def node(name: str, reach: Any, parents: list[str]) -> dict[str, Any]:
        return {
            "resource_type": "model",
            "unique_id": f"model.v.{name}",
            "name": name,
            "schema": "marts",
            "original_file_path": f"{name}.sql",
            "config": {"materialized": "incremental", "meta": {"reach": reach}},
            "depends_on": {"nodes": [f"model.v.{parent}" for parent in parents] or ["source.v.raw.sales"]},
        }

    files = {"delivery": "daily"}
    sources = {"source.v.raw.sales": {"identifier": "sales", "config": {"meta": {"files": files}}}}
    return {"sources": sources, "nodes": {f"model.v.{name}": node(name, *said) for name, said in REACHES.items()}}


MODELS = tuple(model for model in models_of(manifest()) if isinstance(model, Model))


@dataclass
class Warehouse:
    """What the models' tables would hold: each day's rows are those of the inputs' days that it reads; a day without
    any deliveries has none, unless it lies between others and the model tells what came."""

    models: tuple[Model, ...]
    rows: dict[tuple[str, date], Any] = field(default_factory=dict)
    built: dict[tuple[str, date | None], str] = field(default_factory=dict)
    days_built: set[tuple[str, date]] = field(default_factory=set)

    def run(
        self,
        contents: Mapping[date, str],
        raw: RawVersions,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        blocked: Mapping[str, frozenset[date | None]] | None = None,
        dies_after: int = 99,
    ) -> None:
        """As `transform` does, up to the window after which it is killed."""
        blocked = blocked or {}
        self.built.update(dict.fromkeys(unseen(self.models, raw, self.built, blocked), ""))
        todo = windows(self.models, raw, self.built, first_day=first_day, last_day=last_day, blocked=blocked)
        for window in todo[:dies_after]:
            for model in window.models:
                self.built.update(dict.fromkeys(((model.name, day) for day in window.days(model)), ""))
                self._build(model, window, contents)
            for model in window.models:
                self.built.update(((model.name, day), raw.of(model, day)) for day in window.days(model))

    def _build(self, model: Model, window: Window, contents: Mapping[date, str]) -> None:
        (*_, parents) = REACHES[model.name]
        for day in (day for day in window.days(model) if day is not None):
            first, last = model.reach.covered(day, day)
            read = [other for other in DAYS if first <= other <= last]
            given = [contents.get(other) for other in read]
            rows = [[self.rows.get((parent, other)) for other in read] for parent in parents] if parents else given
            is_one = day in contents
            if model.reach.deliveries_of is not None:
                is_one = min(contents, default=date.max) <= day <= max(contents, default=date.min)
            self.rows[model.name, day] = rows if is_one else None
            self.days_built.add((model.name, day))


def raw_of(contents: Mapping[date, str]) -> RawVersions:
    lasting = [day for day in DAYS if contents and min(contents) <= day <= max(contents)]
    return RawVersions(
        days={"sales": dict(sorted(contents.items()))},
        masters={},
        wholes={},
        deliveries={"sales": {day: contents.get(day, "nothing") for day in lasting}},
    )


deliveries = st.dictionaries(st.sampled_from(DAYS), st.sampled_from("abc"), min_size=1)
changes = st.dictionaries(st.sampled_from(DAYS), st.sampled_from(["a", "b", ""]), max_size=2)
"""What is delivered of which day; nothing stands for a delivery that is withdrawn."""
steps = st.tuples(
    changes,
    st.one_of(st.none(), st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))),
    st.sets(st.sampled_from(DAYS), max_size=2),
    st.sampled_from([99, 0, 1, 2]),
)


@examples(300)
@given(contents=deliveries, history=st.lists(steps, max_size=4))
@example(
    contents=dict.fromkeys(DAYS, "a"),
    history=[({}, None, {DAYS[0], DAYS[2]}, 99), ({}, None, set(), 1)],
)
@example(
    # Of a day that waits, what it is built from is built meanwhile; then its own delivery is as it was before.
    contents={DAYS[0]: "a", DAYS[1]: "b"},
    history=[
        ({}, None, {DAYS[0]}, 99),
        ({DAYS[1]: "a"}, None, {DAYS[1]}, 99),
        ({DAYS[1]: "b"}, None, set(), 99),
    ],
)
def test_whatever_happened_before_the_end_is_a_full_build_of_what_is_there(
    contents: dict[date, str], history: list[Any]
) -> None:
    warehouse = Warehouse(MODELS)
    for changed, limits, bad_days, dies_after in history:
        contents = {day: content for day, content in (contents | changed).items() if content}
        first_day, last_day = sorted(limits) if limits else (None, None)
        held = {
            model.name: frozenset(day for bad in bad_days for day in (DAYS if model.reach == MONTH else [bad]))
            for model in MODELS
        }
        raw = raw_of(contents)
        warehouse.run(contents, raw, first_day=first_day, last_day=last_day, blocked=held, dies_after=dies_after)
    raw = raw_of(contents)
    warehouse.run(contents, raw)
    assert windows(MODELS, raw, warehouse.built) == []
    fresh = Warehouse(MODELS)
    fresh.run(contents, raw)
    assert {where: rows for where, rows in warehouse.rows.items() if rows is not None} == {
        where: rows for where, rows in fresh.rows.items() if rows is not None
    }


@given(contents=deliveries, corrected=st.sampled_from(DAYS))
def test_a_correction_builds_what_it_reaches_and_no_more(contents: dict[date, str], corrected: date) -> None:
    contents = contents | {corrected: "before"}
    warehouse = Warehouse(MODELS)
    warehouse.run(contents, raw_of(contents))
    warehouse.days_built.clear()
    changed = contents | {corrected: "after"}
    raw = raw_of(changed)
    stale = stale_days(MODELS, raw, warehouse.built)
    warehouse.run(changed, raw)
    reached = {
        (model.name, day)
        for model in MODELS
        for day in raw.days_of(model)
        if model.days_reached("sales", corrected, corrected)[0] <= day
        and day <= model.days_reached("sales", corrected, corrected)[1]
    }
    assert warehouse.days_built == reached == {(name, day) for day, names in stale.items() for name in names}


def test_reaches_add_up_along_the_way() -> None:
    day = date(2024, 3, 10)
    by_name = {model.name: model for model in MODELS}
    assert by_name["fct_sales"].raw_days("sales", day, day) == (day, day)
    assert by_name["stock"].raw_days("sales", day, day) == (date(2024, 3, 8), day)
    assert by_name["episodes"].raw_days("sales", day, day) == (date(2024, 3, 7), date(2024, 3, 12))
    assert by_name["monthly"].raw_days("sales", day, day) == (date(2024, 2, 28), date(2024, 3, 31))
    assert by_name["episodes"].days_reached("sales", day, day) == (date(2024, 3, 8), date(2024, 3, 13))


def test_two_corrections_far_apart_are_two_runs_of_what_is_daily_and_one_of_what_looks_back() -> None:
    fact, stock = MODELS[0], next(model for model in MODELS if model.name == "stock")
    before = dict.fromkeys(DAYS, "a")
    warehouse = Warehouse((fact, stock))
    warehouse.run(before, raw_of(before))
    after = before | {DAYS[0]: "b", DAYS[2]: "b"}
    first, second = windows((fact, stock), raw_of(after), warehouse.built)
    assert (list(first.days(fact)), first.models) == ([DAYS[0]], (fact,))
    assert (list(second.days(fact)), list(second.days(stock))) == ([DAYS[2]], DAYS[:5])


@pytest.mark.parametrize(
    ("said", "reach"),
    [
        ("same_day", SAME_DAY),
        ("month", MONTH),
        ("everything", EVERYTHING),
        ({"deliveries_of": "sales"}, Reach(deliveries_of="sales")),
        ({"days_before": 35}, Reach(days_before=35)),
        ({"days_before": 28, "days_after": 28}, Reach(28, 28)),
    ],
)
def test_what_a_model_may_say(said: Any, reach: Reach) -> None:
    assert repr(read_reach(said)) == repr(reach)


@pytest.mark.parametrize(
    "said",
    [
        *("weekly", {}, 7, {"days": 3}, {"days_before": -1}, {"days_before": "3"}, {"days_before": True}),
        *({"deliveries_of": 3}, {"deliveries_of": "sales", "days_before": 3}),
    ],
)
def test_what_it_may_not(said: Any) -> None:
    with pytest.raises(ValueError, match="allowed: same_day, month, everything, days_before"):
        read_reach(said)


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2023-12-01", "2023-12-31", "2023-12-31"),
        ("2024-01-31", "2024-02-01", "2024-02-29"),
    ],
)
def test_the_ends_of_months(first: str, last: str, ends: str) -> None:
    assert months(date.fromisoformat(first), date.fromisoformat(last)) == (
        date.fromisoformat(first[:8] + "01"),
        date.fromisoformat(ends),
    )
