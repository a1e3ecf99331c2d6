"""What a transformation does: which windows are stale, one `dbt build` for each, its results per model and day."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import UTC, date, datetime
from functools import partial

from vending_platform.catalog import Catalog, Model
from vending_platform.garbage import own_garbage_only
from vending_platform.ledger import (
    MIXED,
    OF_BUILDS,
    UNFINISHED,
    Build,
    BuildRecord,
    built_before,
    built_codes,
    has_files,
    note_builds,
    note_row_days,
    prepare_ledger,
    read_codes,
    remove_builds,
    tested_codes,
)
from vending_platform.quality import TABLES
from vending_platform.storage import Place
from vending_platform.transformation.blocking import BlockedDay, blocked_days, blocks
from vending_platform.transformation.builds import Builds, note_codes, read_builds
from vending_platform.transformation.cross_day_impact import spread
from vending_platform.transformation.dbt import Dbt, OnNode, Project
from vending_platform.transformation.deliveries import DeliveredFiles, read_deliveries
from vending_platform.transformation.input_versions import RawVersions, raw_versions
from vending_platform.transformation.planning import BuildPlan, Work, brought_along, builds_of, is_mixed, works
from vending_platform.transformation.results import NodeResult, Transformed, WindowDone, note_build
from vending_platform.transformation.staleness import Blocked, Window, stale_days, unseen, windows
from vending_platform.warehouse import Change, Reader, Reservation, TableName, Warehouse, Writer

_arranged: list[tuple[Catalog, DeliveredFiles, RawVersions]] = []
"""The last deliveries that this process has arranged, and what came of it: a run asks for the same some times."""


def stale(reader: Reader, catalog: Catalog) -> dict[date, frozenset[str]]:
    """Per business day, the models whose rows are older than the raw rows they rest on; by which code they were built
    is another question, see `code_changes`."""
    if not has_files(reader):
        return {}
    deliveries = read_deliveries(reader, catalog)
    raw = _raw_versions(catalog, deliveries)
    reached = spread(reader, catalog, raw).reached
    known = read_builds(reader).against(catalog.models, frozenset())
    built = {build: UNFINISHED if build in reached else version for build, version in known.items()}
    return stale_days(catalog.models, raw, built, blocked_days(catalog.models, blocks(catalog, deliveries)))


def delivered_versions(reader: Reader, catalog: Catalog) -> dict[tuple[str, date | None], str]:
    """Per source and business day, or for all of a source without days, which files there are."""
    raw = _raw_versions(catalog, read_deliveries(reader, catalog))
    found: dict[tuple[str, date | None], str] = {(source, None): version for source, version in raw.wholes.items()}
    for source, days in raw.days.items():
        found |= {(source, day): version for day, version in days.items()}
    return found


def built_versions(reader: Reader) -> dict[Build, str]:
    """Per model and day, or for all of a model, the raw version that its last build rested on."""
    return {build: version for build, version in read_builds(reader).versions.items() if version != UNFINISHED}


def blocked(reader: Reader, catalog: Catalog) -> list[BlockedDay]:
    """What nothing can be built on until a person has fixed it."""
    return blocks(catalog, read_deliveries(reader, catalog))


def code_changes(reader: Reader, catalog: Catalog) -> tuple[Work, ...]:
    """What was built by other code than there is now, by what of the code has changed."""
    if not has_files(reader):
        return ()
    deliveries = read_deliveries(reader, catalog)
    builds = read_builds(reader)
    waiting = blocked_days(catalog.models, blocks(catalog, deliveries))
    outdated = _may_be_built(builds.outdated(catalog.models), waiting)
    if not outdated:
        return ()
    return works(
        _in_order(outdated, catalog), builds, catalog.models, _raw_versions(catalog, deliveries), read_codes(reader)
    )


def transform(
    catalog: Catalog,
    warehouse: Warehouse,
    project: Project,
    *,
    run_id: str,
    first_day: date | None = None,
    last_day: date | None = None,
    anew: datetime | None = None,
    models: Iterable[str] | None = None,
    skip_code_changes: bool = False,
    artifacts: Place | None = None,
    on_plan: Callable[[BuildPlan], None] = lambda _: None,
    on_node: OnNode = lambda _: None,
    on_window: Callable[[WindowDone], None] = lambda _: None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Transformed:
    """Build exactly what is stale, and note what each build rests on. With `anew` that is all that was not built well
    since that moment: a second try with the same moment builds what failed or was skipped in the first, and no more.
    With `skip_code_changes` what was built by older code stays as it is, and stays stale.

    A model that fails, or is skipped because one before it failed, stays stale: the next run takes it again. So does
    what is blocked. What dbt says about the run goes to `artifacts`, into a folder named by the run. `on_plan` is told
    what will be built before dbt starts, `on_node` every model and test as soon as it starts and as soon as it is done,
    `on_window` what came of a window once the ledger has it.
    """
    done = Transformed(run_id)
    meant = {model.name for model in catalog.models} if models is None else set(models)
    # A model is no fresher than what it is built from.
    behind = {name for model in catalog.models if model.name in meant for name in model.rests_on}
    chosen = [model for model in catalog.models if model.name in meant | behind]
    with warehouse.reserved("vending transform", on_wait) as reservation, own_garbage_only():
        with reservation.writing() as writer:
            prepare_ledger(writer, {**OF_BUILDS, **TABLES})
            if looked_up := note_row_days(writer, catalog):
                writer.publish(looked_up, lambda _: None)
            # What arrives while dbt works waits for the reservation, so these are the versions that dbt will see.
            deliveries = read_deliveries(writer, catalog)
            raw = _raw_versions(catalog, deliveries)
            done.blocked = blocks(catalog, deliveries)
            waiting = blocked_days(catalog.models, done.blocked)
            found = spread(writer, catalog, raw)
            before = read_builds(writer)
            codes = note_codes(writer, catalog.models, before)
            _doubt(writer, found.reached, [*found.remember, *_outlived(catalog.models, before), *codes], run_id)
            counting = frozenset() if skip_code_changes else {model.name for model in catalog.models}
            known = read_builds(writer).against(catalog.models, counting)
            _doubt(writer, unseen(catalog.models, raw, known, waiting), (), run_id)
            asked = {build: UNFINISHED for build in built_before(writer, anew) if build[0] in meant} if anew else {}
            builds = read_builds(writer)
            outdated = _may_be_built(builds.outdated(catalog.models), waiting)
            within = partial(windows, chosen, raw, first_day=first_day, last_day=last_day, blocked=waiting)
            todo = brought_along(
                lambda counting: within(builds.against(catalog.models, counting) | asked),
                counting,
                {name for name, day in outdated if day is None} - _views(catalog),
            )
            explain = partial(works, ledger=before, models=catalog.models, raw=raw, parts=read_codes(writer))
            planned = builds_of(todo)
            left = _in_order(outdated.difference(planned), catalog)
            done.plan = BuildPlan(explain(planned, asked=asked.keys()), explain(left))
            pending = _pending(catalog, raw, builds, waiting)
            tested = tested_codes(writer)
        on_plan(done.plan)
        if not todo:
            return done
        dbt = Dbt(project, on_node)
        there = {name for (name, _), version in builds.versions.items() if version}
        for number, window in enumerate(todo, start=1):
            _begin(reservation, window, run_id)
            views = {model.name for model in catalog.models if model.is_view and _reads(window, model)}
            there |= views | {model.name for model in window.models}
            absent = {model.name for model in catalog.models} - there
            changed = {model.code for model in window.models} - tested
            results = dbt.build(window, shared=found.shared, views=views, absent=absent, unit_tests=bool(changed))
            tested |= changed
            done.windows.append((window, results))
            rows = _note(reservation, catalog, window, results, raw, pending, run_id)
            done.rows |= rows
            on_window(WindowDone(window, results, rows))
            if artifacts is not None:
                suffix = "" if number == 1 else f"-{number}"
                _keep(project, artifacts, "run_results.json", f"{run_id}/run_results{suffix}.json")
        if artifacts is not None:
            dbt.describe()
            for name in ("manifest.json", "catalog.json"):
                _keep(project, artifacts, name, f"{run_id}/{name}")
    return done


def _raw_versions(catalog: Catalog, deliveries: DeliveredFiles) -> RawVersions:
    for known, same, raw in _arranged:
        if known == catalog and same == deliveries:
            return raw
    raw = raw_versions(catalog, deliveries)
    _arranged[:] = [(catalog, deliveries, raw)]
    return raw


def _may_be_built(builds: Iterable[Build], waiting: Blocked) -> set[Build]:
    return {
        (name, day)
        for name, day in builds
        if day not in waiting.get(name, frozenset()) and None not in waiting.get(name, frozenset())
    }


def _in_order(builds: Iterable[Build], catalog: Catalog) -> list[Build]:
    order = {model.name: number for number, model in enumerate(catalog.models)}
    return sorted(builds, key=lambda build: (order[build[0]], str(build[1])))


def _pending(catalog: Catalog, raw: RawVersions, builds: Builds, waiting: Blocked) -> set[Build]:
    """Every day that is to be built, whether or not by this run; asked for only where a table that is built as a whole
    is made of days, as nobody else needs to know."""
    daily = {model.name for model in catalog.models if model.is_dated}
    if not any(model.rests_on & daily for model in catalog.models if not model.is_dated and not model.is_view):
        return set()
    due = builds.against(catalog.models, {model.name for model in catalog.models})
    return {(name, day) for day, names in stale_days(catalog.models, raw, due, waiting).items() for name in names}


def _views(catalog: Catalog) -> set[str]:
    return {model.name for model in catalog.models if model.is_view}


def unproven(reader: Reader, catalog: Catalog) -> list[str]:
    """The models that were never built as they are written now, or not with every check passed the last time."""
    built = built_codes(reader)
    good = {(one.model, one.code) for one in built if one.checks_passed}
    bad = {one.model for one in built if not one.checks_passed}
    return [m.name for m in catalog.models if (m.name, m.code) not in good or m.name in bad]


def _doubt(writer: Writer, builds: Set[tuple[str, date | None]], remember: Sequence[Change], run_id: str) -> None:
    """What a change elsewhere reaches counts as unfinished, from before dbt starts: a crash forgets nothing."""
    if builds or remember:
        writer.publish([*_unfinished(builds, run_id), *remember], lambda _: None)


def _outlived(models: Iterable[Model], builds: Builds) -> list[Change]:
    """A model that was built as a whole then and is built by day now, or the other way round, counts as never built."""
    daily = {model.name: model.is_dated for model in models}
    names = sorted({name for name, day in builds.versions if name in daily and daily[name] == (day is None)})
    return [remove_builds(names)] if names else []


def _begin(reservation: Reservation, window: Window, run_id: str) -> None:
    """From here until `_note` nobody knows what the tables hold, whatever their last build rested on."""
    builds = {(model.name, day) for model in window.models for day in window.days(model)}
    with reservation.writing() as writer:
        writer.publish(_unfinished(builds, run_id), lambda _: None)


def _unfinished(builds: Iterable[tuple[str, date | None]], run_id: str) -> list[Change]:
    now = datetime.now(UTC)
    return note_builds(
        [BuildRecord(model, day, UNFINISHED, None, False, None, run_id, now) for model, day in sorted(builds, key=str)]
    )


def _reads(window: Window, view: Model) -> bool:
    return any(view.name in model.rests_on for model in window.models)


def _note(
    reservation: Reservation,
    catalog: Catalog,
    window: Window,
    results: list[NodeResult],
    raw: RawVersions,
    pending: set[Build],
    run_id: str,
) -> dict[Build, int]:
    """The ledger of builds: only what succeeded; with it what was found, until that is recorded. Gives the rows of what
    was built. What is `pending` is it no more when it was built."""
    good = {result.unique_id for result in results if result.kind in ("model", "seed") and result.is_good}
    # A test that was skipped doubts nothing: it is asked again as soon as the model is built that it was skipped for.
    answered = (result for result in results if result.status != "skipped")
    doubted = {tested for result in answered if not result.is_good for tested in result.tests}
    good_models = [model for model in window.models if model.unique_id in good]
    pending -= {(model.name, day) for model in good_models for day in window.days(model)}
    codes = _codes(catalog, good_models, pending)
    with reservation.writing() as writer:
        counts = {key: rows for model in good_models for key, rows in _count(writer, window, model)}
        records = [
            BuildRecord(
                model=model.name,
                business_date=day,
                raw_version=raw.of(model, day),
                code=codes[model.name],
                checks_passed=model.unique_id not in doubted,
                rows=counts.get((model.name, day)),
                run_id=run_id,
                built_at=datetime.now(UTC),
            )
            for model in good_models
            for day in window.days(model)
        ]
        builds = note_builds(records) if records else []
        writer.publish([*builds, note_build(run_id, window, results, counts)], lambda _: None)
    return counts


def _codes(catalog: Catalog, models: Iterable[Model], pending: Set[Build]) -> dict[str, str]:
    """By which code these are built now."""
    waiting: dict[str, set[date]] = defaultdict(set)
    for name, day in pending:
        if day is not None:
            waiting[name].add(day)
    known = {model.name: model for model in catalog.models}
    return {model.name: MIXED if is_mixed(model, known, waiting) else model.code for model in models}


def _count(reader: Reader, window: Window, model: Model) -> Iterator[tuple[tuple[str, date | None], int]]:
    table = TableName(model.schema_name, model.name)
    if model.is_view:
        return
    if not model.is_dated:
        yield (model.name, None), reader.query(f"select count(*) as n from {table}")["n"][0].as_py()
        return
    first, last = window.span(model)
    counted = reader.query(
        f"select business_date as day, count(*) as n from {table}"
        f" where business_date between date '{first}' and date '{last}' group by 1"
    )
    rows = dict(zip(counted["day"].to_pylist(), counted["n"].to_pylist(), strict=True))
    yield from (((model.name, day), rows.get(day, 0)) for day in window.days(model))


def _keep(project: Project, artifacts: Place, name: str, path: str) -> None:
    artifacts.write(path, (project.target_dir / name).read_bytes())
