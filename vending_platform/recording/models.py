"""What dbt's tests said, of which days, and which rows they found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from vending_platform.catalog import Catalog, Model
from vending_platform.quality import ROWS_KEPT, Dimension, FailedRow, Measured, Result, Severity, Status, stretches
from vending_platform.transformation import NodeResult, Transformed, Window
from vending_platform.warehouse import Reader, TableName, literal, quoted

BUILT = "built"
TESTS_ASKED_AGAIN = 25
"""Of so many failing tests, the rows are looked up; a run that breaks everything needs no more examples."""
_DIMENSIONS = (
    ("unique", Dimension.UNIQUENESS),
    ("not_null", Dimension.COMPLETENESS),
    ("filled", Dimension.COMPLETENESS),
    ("relationships", Dimension.CONSISTENCY),
)
_STATUSES = {
    "success": Status.PASSED,
    "pass": Status.PASSED,
    "warn": Status.WARNED,
    "fail": Status.FAILED,
    "skipped": Status.SKIPPED,
}


@dataclass(frozen=True)
class Asked:
    """A test that found rows, with its statement as dbt sent it; where that is not known, the rows are not."""

    result: Result
    sql: str | None
    rows: Mapping[date, int] = field(default_factory=dict)
    """How many rows each day was asked with."""


def of_models(manifest: Mapping[str, Any], catalog: Catalog, done: Transformed) -> Iterator[Asked]:
    """One result for every model and test of every window."""
    models = {model.unique_id: model for model in catalog.models}
    for window, nodes in done.windows:
        spans = {model.unique_id: [day for day in window.days(model) if day is not None] for model in window.models}
        for node in nodes:
            about = _about(manifest, models, node)
            if about is None:
                continue
            days = {day for tested in (node.tests or {about.unique_id}) for day in spans.get(tested, ())}
            result = _result(manifest, node, about, _rows(done, window, about), days)
            sql = node.statement if result.is_bad else None
            rows = {day: done.rows[about.name, day] for day in days if (about.name, day) in done.rows}
            if not days:
                yield Asked(result, sql)
            for first, last in stretches(days):
                yield Asked(replace(result, first_day=first, last_day=last), sql, rows)


def measured(
    manifest: Mapping[str, Any], catalog: Catalog, done: Sequence[Transformed]
) -> dict[Measured, list[tuple[date, date]]]:
    """The tables of business days that were built, for the days that were."""
    days: dict[str, set[date]] = {}
    for name, day in (built for one in done for built in one.rows):
        if day is not None:
            days.setdefault(name, set()).add(day)
    found = {}
    for model in catalog.models:
        if model.name in days and model.is_daily and "business_date" in _columns(manifest, model):
            columns, tests = _columns(manifest, model), _tests(manifest, model)
            never_null = {column for test in tests for column in _filled(test)}
            keys = [column for test in tests for column in _key(test) if column in columns]
            nullable = [column for column in columns if column not in {*never_null, *keys, "business_date"}]
            about = Measured(
                table=TableName(model.schema_name, model.name),
                day="business_date",
                nullable=tuple(nullable),
                keys=tuple(dict.fromkeys(key for key in keys if key != "business_date")),
                code_version=model.code,
            )
            found[about] = list(stretches(days[model.name]))
    return found


def looked_up(reader: Reader, asked: Sequence[Asked]) -> list[Result]:
    """The results, those of failing tests with some of the rows that they found; and, where such a row has a business
    day, one for each day that has any, so that one bad day does not speak against its neighbours."""
    results: list[Result] = []
    left = TESTS_ASKED_AGAIN
    for one in asked:
        if one.sql is None or not left:
            results.append(one.result)
            continue
        left -= 1
        results += _looked_up(reader, one.result, one.sql, one.rows)
    return results


def _looked_up(reader: Reader, result: Result, sql: str, asked: Mapping[date, int]) -> Iterator[Result]:
    rows = reader.query(f"select * from ({sql}) as failing limit {ROWS_KEPT}")
    found = [FailedRow(row, row.get("business_date")) for row in rows.to_pylist()]
    if "business_date" not in rows.column_names or result.first_day is None or result.last_day is None:
        yield replace(result, sample=tuple(found))
        return
    counts = {
        row["day"]: int(row["found"])
        for row in reader.query(
            f"select {quoted('business_date')} as day, count(*) as found from ({sql}) as failing group by 1"
        ).to_pylist()
    }
    inside = {day for day in counts if day is not None and result.first_day <= day <= result.last_day}
    if inside != counts.keys():  # rows of other days, or of none: it is about more than this window
        yield replace(result, sample=tuple(found))
        return
    for day in sorted(inside):
        day_rows = reader.query(
            f"select * from ({sql}) as failing where {quoted('business_date')} = {literal(day)} limit {ROWS_KEPT}"
        )
        yield replace(
            result,
            first_day=day,
            last_day=day,
            failed_rows=counts[day],
            total_rows=max(asked.get(day, 0), counts[day]),
            actual=f"rows that break it: {counts[day]}",
            message=None,
            sample=tuple(FailedRow(row, day) for row in day_rows.to_pylist()),
        )
    span = range((result.last_day - result.first_day).days + 1)
    others = {date.fromordinal(result.first_day.toordinal() + number) for number in span} - inside
    for first, last in stretches(others):
        yield replace(
            result,
            first_day=first,
            last_day=last,
            status=Status.PASSED,
            failed_rows=0,
            total_rows=None,
            actual=None,
            message=None,
        )


def _about(manifest: Mapping[str, Any], models: Mapping[str, Model], node: NodeResult) -> Model | None:
    """The model that a result is about: of a test between several the one it is declared at, else the first by name."""
    if node.kind == "model":
        return models.get(node.unique_id)
    if node.kind == "unit_test":
        declared = manifest.get("unit_tests", {}).get(node.unique_id, {}).get("depends_on", {}).get("nodes", ())
        return next((models[name] for name in declared if name in models), None)
    attached = _node(manifest, node).get("attached_node")
    if attached is not None and attached in models:
        return models[attached]
    return next((models[name] for name in sorted(node.tests) if name in models), None)


def _node(manifest: Mapping[str, Any], node: NodeResult) -> Mapping[str, Any]:
    found: Mapping[str, Any] = manifest["nodes"].get(node.unique_id, {})
    return found


def _result(manifest: Mapping[str, Any], node: NodeResult, about: Model, rows: int | None, days: set[date]) -> Result:
    declared = _node(manifest, node)
    status = _STATUSES.get(node.status, Status.ERROR)
    failed = node.failures if status in (Status.PASSED, Status.WARNED, Status.FAILED) else None
    is_test = node.kind == "test"
    severity = str(declared.get("config", {}).get("severity", "error")).lower() if is_test else "error"
    return Result(
        check=BUILT if node.kind == "model" else node.name,
        dataset=f"{about.schema_name}.{about.name}",
        dimension=dimension_of(declared, node.kind),
        status=status,
        severity=Severity(severity),
        column=declared.get("column_name"),
        failed_rows=failed if is_test else None,
        # Of failures in groups (a key that is there twice) there may be more or fewer than rows.
        total_rows=max(rows, failed or 0) if rows is not None and is_test else None,
        expected=_expected(declared, node.kind),
        actual=f"rows that break it: {failed}" if is_test and failed is not None else None,
        code_version=about.code,
        message=" ".join(node.message.split()) if node.message and status is not Status.PASSED else None,
    )


def dimension_of(declared: Mapping[str, Any], kind: str) -> Dimension:
    """What a test's own config says (`meta: {dimension: …}`), else what its kind means."""
    if kind == "model":
        return Dimension.COMPLETENESS
    if kind == "unit_test":
        return Dimension.ACCURACY
    said = (declared.get("config", {}).get("meta") or {}).get("dimension")
    if said in list(Dimension):
        return Dimension(said)
    test = (declared.get("test_metadata") or {}).get("name")
    if test is None:  # a statement of its own compares what has to agree
        return Dimension.CONSISTENCY
    return next((dimension for start, dimension in _DIMENSIONS if test.startswith(start)), Dimension.VALIDITY)


def _expected(declared: Mapping[str, Any], kind: str) -> str:
    if kind == "model":
        return "dbt builds it"
    if kind == "unit_test":
        return "the hand-made example gives the figures written beside it"
    test = declared.get("test_metadata") or {}
    arguments = test.get("kwargs", {})
    match test.get("name"):
        case "not_null":
            return "a value in every row"
        case "filled":
            return f"a value in every row: {', '.join(arguments.get('columns', ()))}"
        case "unique":
            return "every value once"
        case "unique_combination":
            return f"every {', '.join(arguments.get('columns', ()))} once"
        case "accepted_values":
            return f"one of {', '.join(map(str, arguments.get('values', ())))}"
        case "relationships":
            return f"known to {arguments.get('to', '')}.{arguments.get('field', '')}"
        case "holds":
            return str(arguments.get("condition", ""))
    return str(declared.get("description") or "no row is found")


def _rows(done: Transformed, window: Window, about: Model) -> int | None:
    """How many rows were asked."""
    found = [done.rows[about.name, day] for day in window.days(about) if (about.name, day) in done.rows]
    return sum(found) if found else None


def _columns(manifest: Mapping[str, Any], model: Model) -> list[str]:
    return list(manifest["nodes"].get(model.unique_id, {}).get("columns", {}))


def _tests(manifest: Mapping[str, Any], model: Model) -> list[Mapping[str, Any]]:
    nodes = (manifest["nodes"].get(child, {}) for child in manifest["child_map"].get(model.unique_id, ()))
    return [node for node in nodes if node.get("test_metadata") and node.get("attached_node") == model.unique_id]


def _filled(test: Mapping[str, Any]) -> Sequence[str]:
    match test["test_metadata"]["name"]:
        case "not_null":
            return [test["column_name"]]
        case "filled":
            columns: Sequence[str] = test["test_metadata"]["kwargs"]["columns"]
            return columns
    return ()


def _key(test: Mapping[str, Any]) -> Sequence[str]:
    match test["test_metadata"]["name"]:
        case "unique":
            return [test["column_name"]]
        case "unique_combination":
            columns: Sequence[str] = test["test_metadata"]["kwargs"]["columns"]
            return columns
    return ()
