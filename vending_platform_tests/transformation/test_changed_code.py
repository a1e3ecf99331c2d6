"""What older code has built is stale: whatever is changed, postponed, restricted or cut short, the end is the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from vending_platform.catalog import EVERYTHING, SAME_DAY, Model, Reach, Way
from vending_platform.ledger import MIXED, OF_BUILDS, UNFINISHED, Build, prepare_ledger, read_codes
from vending_platform.transformation.builds import Builds, note_codes, read_builds
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.transformation.planning import FORGOTTEN, IN_PART, Why, brought_along, builds_of, is_mixed, works
from vending_platform.transformation.staleness import Window, stale_days, unseen, windows
from vending_platform.warehouse import Warehouse as Interface
from vending_platform_tests.properties import examples

DAYS = [date(2024, 3, 1) + timedelta(days=number) for number in range(5)]


def model(name: str, kind: str, reach: Reach, *rests_on: str, sources: tuple[str, ...] = ("sales",)) -> Model:
    return Model(name, "marts", f"model.{name}", kind, reach, frozenset(sources), frozenset(rests_on))


MODELS = (
    model("prices", "seed", EVERYTHING, sources=()),
    model("fact", "incremental", SAME_DAY, "prices"),
    model("stock", "incremental", Reach(days_before=1), "fact", "prices"),
    model("totals", "table", EVERYTHING, "stock", "fact", "prices"),
    # Of a table that looks at all days it reads its own day alone: by its reach, no other day of `stock` moves it.
    replace(
        model("shares", "incremental", SAME_DAY, "totals", "stock", "fact", "prices"),
        ways=(("sales", Way((EVERYTHING,))),),
    ),
)
PARENTS = {"prices": [], "fact": ["prices"], "stock": ["fact"], "totals": ["stock"], "shares": ["totals", "fact"]}


def written(codes: Mapping[str, int]) -> tuple[Model, ...]:
    """The models as they are written now: their code is all that they are built by."""
    found = []
    for one in MODELS:
        parts = {f"SQL of {name}": str(codes.get(name, 0)) for name in {one.name, *one.rests_on}}
        found.append(replace(one, code=repr(sorted(parts.items())), parts=tuple(sorted(parts.items()))))
    return tuple(found)


def raw_of(contents: Mapping[date, str]) -> RawVersions:
    whole = repr(sorted(contents.items()))
    return RawVersions(
        days={"sales": dict(sorted(contents.items()))}, masters={}, wholes={"sales": whole}, deliveries={}
    )


def days_of(one: Model) -> list[date | None]:
    return [*DAYS] if one.is_dated else [None]


@dataclass
class Warehouse:
    """What the tables would hold: rows name the SQL that made them and the rows that they were made of."""

    rows: dict[Build, Any] = field(default_factory=dict)
    ledger: Builds = field(default_factory=lambda: Builds({}, {}, {}))

    def run(
        self,
        codes: Mapping[str, int],
        contents: Mapping[date, str],
        *,
        only: frozenset[str] | None = None,
        limits: tuple[date, date] | None = None,
        skips: bool = False,
        dies_after: int = 99,
    ) -> set[Build]:
        """As `transform` does, up to the window after which it is killed."""
        models, raw = written(codes), raw_of(contents)
        names = {one.name for one in models}
        chosen = [
            one
            for one in models
            if only is None or one.name in only or any(one.name in m.rests_on for m in models if m.name in only)
        ]
        known = self.ledger.against(models, frozenset() if skips else names)
        self._note(dict.fromkeys(unseen(models, raw, known, {}), (UNFINISHED, None)))
        ledger, outdated = self.ledger, self.ledger.outdated(models)
        stale = stale_days(models, raw, ledger.against(models, names))
        pending = {(name, day) for day, found in stale.items() for name in found}
        first, last = limits or (None, None)

        def todo(counting: Any) -> list[Window]:
            return windows(chosen, raw, ledger.against(models, counting), first_day=first, last_day=last)

        counting = frozenset[str]() if skips else names
        found = brought_along(todo, counting, {name for name, day in outdated if day is None})
        for window in found[:dies_after]:
            builds = builds_of([window])
            self._note(dict.fromkeys(builds, (UNFINISHED, None)))
            for build in builds:
                self._build(build, codes, contents)
            pending -= {(name, day) for name, day in builds if day is not None}
            waiting: dict[str, set[date]] = {}
            for name, day in pending:
                waiting.setdefault(name, set()).add(day)
            by_name = {one.name: one for one in models}
            self._note(
                {
                    (one.name, day): (raw.of(one, day), MIXED if is_mixed(one, by_name, waiting) else one.code)
                    for one in window.models
                    for day in window.days(one)
                }
            )
        return set(builds_of(found))

    def _note(self, builds: Mapping[Build, tuple[str, str | None]]) -> None:
        self.ledger = Builds(
            {**self.ledger.versions, **{build: version for build, (version, _) in builds.items()}},
            {**self.ledger.codes, **{build: code for build, (_, code) in builds.items()}},
            {},
        )

    def _build(self, build: Build, codes: Mapping[str, int], contents: Mapping[date, str]) -> None:
        name, day = build
        (one,) = (model for model in MODELS if model.name == name)
        read = list(self._read(one, day))
        here = contents.get(day) if day is not None else None
        self.rows[build] = (codes.get(name, 0), here, read) if day is None or here is not None else None

    def _read(self, one: Model, day: date | None) -> Iterator[Any]:
        reach = one.reach if day is not None else EVERYTHING
        first, last = reach.covered(day or DAYS[0], day or DAYS[0])
        for parent in PARENTS[one.name]:
            yield self.rows.get((parent, None))
            yield [self.rows.get((parent, other)) for other in DAYS if first <= other <= last]


steps = st.fixed_dictionaries(
    {
        "codes": st.dictionaries(st.sampled_from([*PARENTS]), st.integers(1, 3), max_size=2),
        "delivered": st.dictionaries(st.sampled_from(DAYS), st.sampled_from("ab"), max_size=2),
        "only": st.one_of(st.none(), st.frozensets(st.sampled_from([*PARENTS]), min_size=1, max_size=2)),
        "limits": st.one_of(
            st.none(), st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(lambda t: (min(t), max(t)))
        ),
        "skips": st.booleans(),
        "dies_after": st.sampled_from([99, 99, 0, 1]),
    }
)
EVERY_DAY = dict.fromkeys(DAYS, "a")
CALM: dict[str, Any] = {"codes": {}, "delivered": {}, "only": None, "limits": None, "skips": False, "dies_after": 99}


@examples(200)
@given(
    contents=st.dictionaries(st.sampled_from(DAYS), st.sampled_from("ab"), min_size=1),
    history=st.lists(steps, max_size=4),
)
@example(contents=EVERY_DAY, history=[CALM, CALM | {"codes": {"fact": 1}, "delivered": {DAYS[4]: "b"}, "skips": True}])
@example(contents=EVERY_DAY, history=[CALM, CALM | {"codes": {"stock": 1}, "limits": (DAYS[1], DAYS[1])}])
@example(
    contents=EVERY_DAY, history=[CALM, CALM | {"codes": {"prices": 1}, "delivered": {DAYS[4]: "b"}, "skips": True}]
)
@example(contents=EVERY_DAY, history=[CALM, CALM | {"codes": {"stock": 1}, "delivered": {DAYS[4]: "b"}, "skips": True}])
def test_whatever_happened_before_the_end_is_a_full_build_of_what_is_written(
    contents: dict[date, str], history: list[dict[str, Any]]
) -> None:
    warehouse, codes = Warehouse(), dict[str, int]()
    for step in history:
        codes, contents = codes | step["codes"], contents | step["delivered"]
        options = {name: step[name] for name in ("only", "limits", "skips", "dies_after")}
        warehouse.run(codes, contents, **options)
    warehouse.run(codes, contents)
    assert warehouse.run(codes, contents) == set(), "nothing is left to do"
    assert warehouse.ledger.outdated(written(codes)) == set()
    fresh = Warehouse()
    fresh.run(codes, contents)
    assert warehouse.rows == fresh.rows


def test_changed_code_builds_what_is_made_with_it_and_no_more() -> None:
    warehouse = Warehouse()
    warehouse.run({}, EVERY_DAY)
    assert {name for name, _ in warehouse.run({"stock": 1}, EVERY_DAY)} == {"stock", "totals", "shares"}
    assert warehouse.run({"shares": 1, "stock": 1}, EVERY_DAY) == {("shares", day) for day in DAYS}


def test_postponed_code_leaves_the_days_that_were_built_and_builds_the_new_ones() -> None:
    warehouse = Warehouse()
    warehouse.run({}, EVERY_DAY)
    assert warehouse.run({"fact": 1}, EVERY_DAY, skips=True) == set()
    later = EVERY_DAY | {DAYS[4]: "b"}
    built = warehouse.run({"fact": 1}, later, skips=True)
    assert {day for name, day in built if name == "fact"} == {DAYS[4]}
    assert warehouse.rows["fact", DAYS[4]][0] == 1
    assert {day for name, day in warehouse.ledger.outdated(written({"fact": 1})) if name == "fact"} == set(DAYS[:4])


def test_a_seed_comes_along_where_something_is_built_from_it() -> None:
    warehouse = Warehouse()
    warehouse.run({}, EVERY_DAY)
    built = warehouse.run({"prices": 1}, EVERY_DAY | {DAYS[4]: "b"}, skips=True)
    assert ("prices", None) in built
    assert {day for name, day in built if name == "fact"} == {DAYS[4]}


def test_a_run_says_what_it_builds_and_why() -> None:
    before, now = written({}), written({"fact": 1})
    raw, later = raw_of(EVERY_DAY), raw_of(EVERY_DAY | {DAYS[0]: "b"})
    everything = {(one.name, day): one for one in before for day in days_of(one)}
    ledger = Builds(
        {build: raw.of(one, build[1]) for build, one in everything.items() if build != ("fact", DAYS[1])},
        {build: one.code for build, one in everything.items()},
        dict.fromkeys(everything, 10),
    )
    parts = {one.code: dict(one.parts) for one in before}
    fact = [("fact", day) for day in DAYS]
    new, changed = works(fact, ledger, now, raw, parts)
    assert (new.why, new.models, new.days) == (Why.NEW, ("fact",), (DAYS[1],))
    assert (changed.why, changed.because, changed.rows) == (Why.CODE, ("SQL of fact",), 40)
    assert str(changed) == ("changed code (SQL of fact): fact, 4 days (2024-03-01 to 2024-03-05), about 40 rows")
    (late, asked) = works([fact[0], fact[4]], ledger, before, later, parts, asked={fact[4]})
    assert [(work.why, work.days) for work in (late, asked)] == [(Why.DELIVERIES, (DAYS[0],)), (Why.ASKED, (DAYS[4],))]
    (old,) = works(fact[2:3], ledger, now, raw, {})
    assert old.because == (FORGOTTEN,)
    mixed = replace(ledger, codes={**ledger.codes, fact[2]: MIXED})
    assert works(fact[2:3], mixed, now, raw, parts)[0].because == (IN_PART,)


def test_the_parts_of_code_are_kept_in_every_warehouse_as_long_as_something_rests_on_them(
    warehouse: Interface,
) -> None:
    before, now = written({}), written({"fact": 1})
    fact = next(one for one in before if one.name == "fact")
    with warehouse.writing("test", print) as writer:
        prepare_ledger(writer, OF_BUILDS)
        nothing = read_builds(writer)
        writer.publish(note_codes(writer, before, nothing), lambda _: None)
        assert read_codes(writer) == {one.code: dict(one.parts) for one in before}
        assert note_codes(writer, before, nothing) == []
        built = Builds({}, {("fact", DAYS[0]): fact.code}, {})
        writer.publish(note_codes(writer, now, built), lambda _: None)
        assert read_codes(writer).keys() == {fact.code, *(one.code for one in now)}
