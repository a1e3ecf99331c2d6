"""Single tests of dbt, of what is built: nothing is built, and what the ledger says of builds stays as it is."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from vending_platform.catalog import Catalog, Days, Model
from vending_platform.garbage import own_garbage_only
from vending_platform.ledger import OF_BUILDS, Build, prepare_ledger
from vending_platform.quality import TABLES
from vending_platform.transformation.builds import read_builds
from vending_platform.transformation.dbt import Dbt, OnNode, Project
from vending_platform.transformation.results import NodeResult, Transformed, note_build
from vending_platform.transformation.staleness import Window
from vending_platform.warehouse import Warehouse


def run_tests(
    catalog: Catalog,
    warehouse: Warehouse,
    project: Project,
    declared: Mapping[str, Mapping[str, Any]],
    *,
    run_id: str,
    days: Days | None = None,
    on_node: OnNode = lambda _: None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Transformed:
    """Run these tests, which `declared` holds by their ids as dbt's manifest does, and note what they found until it is
    recorded. One that asks a model that was never built is not run."""
    done = Transformed(run_id)
    about = {test: _models(catalog, node) for test, node in declared.items()}
    with warehouse.reserved("vending test", on_wait) as reservation, own_garbage_only():
        with reservation.writing() as writer:
            prepare_ledger(writer, {**OF_BUILDS, **TABLES})
            built = read_builds(writer).versions
        missing = {test: _never_built(models, built) for test, models in about.items()}
        selected = [".".join(declared[test]["fqn"]) for test in declared if not missing[test]]
        results = Dbt(project, on_node).test(selected, days) if selected else []
        results += [_not_run(test, declared[test], names) for test, names in missing.items() if names]
        window = _window({model for models in about.values() for model in models}, catalog, built, days)
        done.windows.append((window, results))
        with reservation.writing() as writer:
            writer.publish([note_build(run_id, window, results, {})], lambda _: None)
    return done


def _models(catalog: Catalog, test: Mapping[str, Any]) -> list[Model]:
    return [model for model in catalog.models if model.unique_id in test["depends_on"]["nodes"]]


def _never_built(models: Collection[Model], built: Mapping[Build, str]) -> list[str]:
    """Of a view, as it has no rows of its own, nothing is in the ledger before it has been built with what reads it."""
    known = {name for name, _ in built}
    return [model.name for model in models if not model.is_view and model.name not in known]


def _not_run(test: str, declared: Mapping[str, Any], missing: Collection[str]) -> NodeResult:
    return NodeResult(
        unique_id=test,
        name=declared["name"],
        kind="test",
        status="skipped",
        message=f"not run, because {', '.join(missing)} was never built",
        failures=None,
        seconds=0.0,
        tests=frozenset(declared["depends_on"]["nodes"]),
    )


def _window(models: Collection[Model], catalog: Catalog, built: Mapping[Build, str], days: Days | None) -> Window:
    """What the tests are about: of a model that is built by day, the days that were."""
    found: dict[str, list[date]] = {}
    for name, day in built:
        if day is not None and (days is None or days[0] <= day <= days[1]):
            found.setdefault(name, []).append(day)
    tested = tuple(model for model in catalog.models if model in models)
    return Window(tested, {model.name: sorted(found.get(model.name, ())) for model in tested if model.is_dated})
