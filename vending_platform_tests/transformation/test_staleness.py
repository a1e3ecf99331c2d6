"""Which days have to be built again: exactly those that changed raw rows reach."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import EVERYTHING, MONTH, SAME_DAY, Catalog, Days, Model, Reach
from vending_platform.ledger import FILES_SCHEMA
from vending_platform.transformation.arguments import build_arguments
from vending_platform.transformation.input_versions import RawVersions, raw_versions
from vending_platform.transformation.staleness import Window, stale_days, windows
from vending_platform_tests.transformation.ledger import told_of

FACT = Model("fct_sales", "marts", "model.fct_sales", "incremental", SAME_DAY, frozenset({"sales", "products"}))
MONTHLY = Model("mart_month", "marts", "model.mart_month", "incremental", MONTH, frozenset({"sales"}))
DIM = Model("dim_products", "marts", "model.dim_products", "table", EVERYTHING, frozenset({"products"}))
GAPS = Model("gaps", "marts", "model.gaps", "incremental", Reach(deliveries_of="sales"), frozenset())
VIEW = Model("stg_sales", "staging", "model.stg_sales", "view", SAME_DAY, frozenset({"sales"}))
MODELS = (VIEW, DIM, FACT, MONTHLY)
MARCH = [date(2024, 3, day) for day in range(1, 32)]


def file(source: str, content: str, day: date | None = None, **other: Any) -> dict[str, Any]:
    path = f"{source}_{day or 'all'}.csv"
    row: dict[str, Any] = dict.fromkeys(FILES_SCHEMA.names) | {
        "source": source,
        "path": path,
        "sha256": content,
        "file_id": f"{path}-{content}",
        "state": "loaded",
        "business_date": day,
        "modified_at": datetime(2024, 4, 10, tzinfo=UTC),
        "in_raw": True,
    }
    return row | other


def ledger(catalog: Catalog, *files: dict[str, Any]) -> RawVersions:
    return raw_versions(catalog, told_of(catalog, files))


def built(raw: RawVersions, models: tuple[Model, ...] = MODELS) -> dict[tuple[str, date | None], str]:
    """As if all of it had just been built."""
    return {
        (model.name, day): raw.of(model, day)
        for model in models
        for day in (raw.days_of(model) if model.is_dated else [None])
    }


def sales(*days: date, content: str = "a") -> list[dict[str, Any]]:
    return [file("sales", content, day) for day in days]


def test_at_first_everything_is_stale(catalog: Catalog) -> None:
    raw = ledger(catalog, *sales(MARCH[0], MARCH[1]), file("products", "p"))
    both = frozenset({"fct_sales", "mart_month"})
    assert stale_days(MODELS, raw, {}) == {MARCH[0]: both, MARCH[1]: both}
    assert [(w.first_day, w.last_day, [m.name for m in w.models]) for w in windows(MODELS, raw, {})] == [
        (MARCH[0], MARCH[1], ["stg_sales", "dim_products", "fct_sales", "mart_month"])
    ]


def test_what_was_built_is_not_stale(catalog: Catalog) -> None:
    raw = ledger(catalog, *sales(*MARCH[:5]), file("products", "p"))
    assert stale_days(MODELS, raw, built(raw)) == {}
    assert windows(MODELS, raw, built(raw)) == []


def test_a_model_has_the_days_of_what_it_reads_and_of_pauses_of_less_than_a_week(catalog: Catalog) -> None:
    long_ago = [date(2022, 1, 1) + timedelta(days=n) for n in range(362)]
    history = (file("replenishment_records", "a", day) for day in long_ago)
    both = replace(FACT, name="both", sources=frozenset({"sales", "replenishment_records"}))
    raw = ledger(catalog, *sales(MARCH[0], MARCH[3], MARCH[10], MARCH[18]), *history, file("products", "p"))
    with_pauses = {*MARCH[:11], MARCH[18]}
    assert raw.days_of(FACT) == with_pauses
    assert raw.days_of(both) == with_pauses.union(long_ago)
    assert raw.days_of(replace(FACT, name="none", sources=frozenset({"products"}))) == frozenset()
    assert [list(window.days(FACT)) for window in windows((FACT,), raw, {})] == [MARCH[:11], [MARCH[18]]]


def test_the_days_of_a_source_that_a_model_does_not_read_leave_it_as_it_is(catalog: Catalog) -> None:
    before = ledger(catalog, *sales(MARCH[0], MARCH[2]))
    after = ledger(catalog, *sales(MARCH[0], MARCH[2]), *(file("replenishment_records", "a", day) for day in MARCH))
    assert stale_days((FACT, MONTHLY), after, built(before, (FACT, MONTHLY))) == {}


def test_a_corrected_day_reaches_its_day_and_for_a_monthly_model_its_month(catalog: Catalog) -> None:
    april = date(2024, 4, 1)
    before = ledger(catalog, *sales(MARCH[3], MARCH[20], april), file("products", "p"))
    after = ledger(catalog, *sales(MARCH[3], april), *sales(MARCH[20], content="b"), file("products", "p"))
    assert stale_days(MODELS, after, built(before)) == {
        MARCH[3]: frozenset({"mart_month"}),
        MARCH[20]: frozenset({"fct_sales", "mart_month"}),
    }


def test_a_day_that_became_empty_is_stale(catalog: Catalog) -> None:
    before = ledger(catalog, *sales(MARCH[3], MARCH[4]))
    after = ledger(catalog, *sales(MARCH[3]))
    assert set(stale_days((FACT,), after, built(before))) == {MARCH[4]}


def test_what_became_of_a_delivery_reaches_its_day_and_no_other(catalog: Catalog) -> None:
    before = ledger(catalog, *sales(*MARCH[3:6]))
    rest = sales(MARCH[3], MARCH[5])
    withdrawn = file("sales", "a", MARCH[4], state="withdrawn")
    broken = file("sales", "a", MARCH[4], state="quarantined", in_raw=False)
    for changed in (withdrawn, broken, file("sales", "b", MARCH[4])):
        after = ledger(catalog, *rest, changed)
        assert set(stale_days((GAPS,), after, built(before, (GAPS,)))) == {MARCH[4]}, changed
    back = file("sales", "b", MARCH[4], state="superseded", in_raw=False)
    again = ledger(catalog, *sales(*MARCH[3:6]), back)
    assert set(stale_days((GAPS, FACT), again, built(before, (GAPS, FACT)))) == {MARCH[4]}
    assert stale_days((FACT,), again, built(before, (FACT,))) == {}, "what was there in between is in no fact"


def test_days_of_which_nothing_came_are_told_where_others_came_after(catalog: Catalog) -> None:
    before = ledger(catalog, *sales(MARCH[3]), file("replenishment_records", "a", MARCH[8]))
    after = ledger(catalog, *sales(MARCH[3], MARCH[6]), file("replenishment_records", "a", MARCH[8]))
    assert sorted(stale_days((GAPS,), before, {})) == [MARCH[3]]
    assert sorted(stale_days((GAPS,), after, built(before, (GAPS,)))) == MARCH[4:7]
    gone = ledger(catalog, *sales(MARCH[3]))
    assert sorted(stale_days((GAPS,), gone, built(after, (GAPS,)))) == MARCH[4:7]


def test_a_new_master_reaches_the_days_from_its_validity_on(catalog: Catalog) -> None:
    days = sales(*MARCH[:10])
    first = file("products", "p1", date(2024, 3, 3))
    before = ledger(catalog, *days, first)
    after = ledger(catalog, *days, first, file("products", "p2", date(2024, 3, 7)))
    assert sorted(stale_days((FACT,), after, built(before))) == MARCH[6:10]
    assert [(w.models, w.first_day) for w in windows((DIM,), after, built(before))] == [((DIM,), None)]
    last = ledger(catalog, *days, first, file("products", "p1", date(2024, 3, 7)))
    assert stale_days((FACT,), last, built(before)) == {}, "the same content again changes nothing"


def test_a_master_that_is_corrected_on_its_first_day_reaches_all_days(catalog: Catalog) -> None:
    stored = [datetime(2024, 4, 10, hour, tzinfo=UTC) for hour in (9, 12, 6)]
    wrong = file("products", "p1", state="superseded", modified_at=stored[0])
    for when in stored[1:]:
        before = ledger(catalog, *sales(*MARCH[:3]), wrong | {"state": "loaded"})
        after = ledger(catalog, *sales(*MARCH[:3]), wrong, file("products", "p2", modified_at=when))
        assert sorted(stale_days((FACT,), after, built(before))) == MARCH[:3]
        assert [w.models for w in windows((DIM,), after, built(before))] == [(DIM,)]


def test_what_is_current_shows_where_a_model_reads_all_of_a_master(catalog: Catalog) -> None:
    one, other = (file("products", c, path=f"{c}/products.csv") for c in ("p1", "p2"))
    earlier = {"modified_at": datetime(2024, 4, 9, tzinfo=UTC)}
    before, after = ledger(catalog, one, other | earlier), ledger(catalog, one | earlier, other)
    assert [w.models for w in windows((DIM,), after, built(before, (DIM,)))] == [(DIM,)]


def test_only_changed_code_makes_a_view_stale(catalog: Catalog) -> None:
    before, after = ledger(catalog, *sales(MARCH[0])), ledger(catalog, *sales(MARCH[0], content="b"))
    assert windows((VIEW,), after, built(before)) == []
    changed = replace(VIEW, code="otherwise")
    assert [w.models for w in windows((changed,), after, built(before))] == [(changed,)]


def test_contiguous_days_that_need_the_same_models_are_one_run(catalog: Catalog) -> None:
    raw = ledger(catalog, *sales(MARCH[0], MARCH[1], MARCH[14], MARCH[15], MARCH[16]))
    done = built(ledger(catalog, *sales(MARCH[15])), (FACT,))
    found = windows((FACT,), raw, done)
    assert [(w.first_day, w.last_day) for w in found] == [
        (MARCH[0], MARCH[1]),
        (MARCH[14], MARCH[14]),
        (MARCH[16], MARCH[16]),
    ]


def test_only_the_days_of_a_range_are_built(catalog: Catalog) -> None:
    raw = ledger(catalog, *sales(*MARCH[:6]), file("products", "p"))
    (some,) = windows(MODELS, raw, {}, first_day=MARCH[1], last_day=MARCH[3])
    assert some.models == MODELS
    assert (list(some.days(FACT)), list(some.days(MONTHLY))) == (MARCH[1:4], MARCH[:6]), "a month is built as a whole"
    assert windows(MODELS, raw, built(raw), first_day=MARCH[1]) == []


@given(
    contents=st.lists(st.sampled_from("abc-"), min_size=8, max_size=8),
    later=st.lists(st.sampled_from("abc-"), min_size=8, max_size=8),
)
def test_exactly_the_changed_days_are_stale_and_each_lies_in_one_window(
    catalog: Catalog, contents: list[str], later: list[str]
) -> None:
    before, after = (
        ledger(catalog, *(file("sales", c, day) for day, c in zip(MARCH, cs, strict=False) if c != "-"))
        for cs in (contents, later)
    )
    days = [raw.days_of(FACT) for raw in (before, after)]
    said = zip(MARCH, contents, later, strict=False)
    changed = [day for day, old, new in said if old != new or (day in days[1] and day not in days[0])]
    found = windows((FACT,), after, built(before, (FACT,)))
    assert [day for window in found for day in window.days(FACT)] == changed


def test_the_words_for_dbt(tmp_path: Path) -> None:
    window = Window((FACT, MONTHLY), {FACT.name: MARCH[:3], MONTHLY.name: MARCH[1:5]})
    far = [MARCH[0] - timedelta(days=n) for n in range(1, 402)]
    shared = {
        "sales": {(MARCH[1], MARCH[1]), (far[9], MARCH[4]), (MARCH[4], far[9]), (far[1], far[2])},
        "replenishment_records": set[Days](),
        "automata": {(MARCH[0], day) for day in far},
    }
    arguments = build_arguments(
        window, shared=shared, project_dir=tmp_path, target_dir=tmp_path / "target", target="development", threads=2
    )
    assert arguments[:3] == ["build", "--select", "fct_sales mart_month"]
    assert json.loads(arguments[arguments.index("--vars") + 1]) == {
        "first_day": "2024-03-01",
        "last_day": "2024-03-05",
        "days_that_share_keys": {"replenishment_records": [], "sales": ["2024-02-20", "2024-03-02", "2024-03-05"]},
        "windows": {"fct_sales": ["2024-03-01", "2024-03-03"], "mart_month": ["2024-03-01", "2024-03-31"]},
    }
    assert arguments[-4:] == ["--target", "development", "--threads", "2"]
    whole = build_arguments(
        Window((DIM,)), shared=shared, project_dir=tmp_path, target_dir=tmp_path, target="production", threads=8
    )
    assert "--vars" not in whole


def test_unit_tests_run_when_the_code_has_changed(tmp_path: Path) -> None:
    def words(unit_tests: bool) -> list[str]:
        return build_arguments(
            Window((FACT,), {FACT.name: MARCH[:1]}),
            shared={},
            unit_tests=unit_tests,
            project_dir=tmp_path,
            target_dir=tmp_path,
            target="development",
            threads=2,
        )

    assert "unit_test" in words(False)
    assert "unit_test" not in words(True)
