"""What dbt's tests found, and of which days."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from vending_platform.catalog import Catalog, Model
from vending_platform.quality import CheckStatus, Dimension, Measured, Result, Severity, stretches
from vending_platform.recording.failing import ExecutedTest, Tested
from vending_platform.transformation import NodeResult, Transformed, Window
from vending_platform.warehouse import TableName

BUILT = "built"
_DIMENSIONS = (
    ("unique", Dimension.UNIQUENESS),
    ("not_null", Dimension.COMPLETENESS),
    ("not_null_columns", Dimension.COMPLETENESS),
    ("relationships", Dimension.CONSISTENCY),
)
_VALUE_FOUND = {
    "relationships": "from_field",
    "accepted_values": "value_field",
    "unique": "unique_field",
    "not_null": "",
}
"""What dbt's own tests call the value of the rows that they found; not_null finds those without one."""
_STATUSES = {
    "success": CheckStatus.PASSED,
    "pass": CheckStatus.PASSED,
    "warn": CheckStatus.WARNED,
    "fail": CheckStatus.FAILED,
    "skipped": CheckStatus.SKIPPED,
}


def of_models(manifest: Mapping[str, Any], catalog: Catalog, done: Transformed) -> Iterator[ExecutedTest]:
    """One result for every model and test of every window."""
    models = {model.unique_id: model for model in catalog.models}
    for window, nodes in done.windows:
        spans = {model.unique_id: [day for day in window.days(model) if day is not None] for model in window.models}
        for node in nodes:
            about = _about(manifest, models, node)
            if about is None:
                continue
            tested = {about.unique_id} if _is_declared_at_a_model(manifest, node) else node.tests
            days = {day for name in tested or {about.unique_id} for day in spans.get(name, ())}
            result = _result(manifest, node, about, _rows(done, window, about), days)
            sql = node.statement if result.is_bad else None
            rows = {day: done.rows[about.name, day] for day in days if (about.name, day) in done.rows}
            yield ExecutedTest(result, sql, frozenset(days), rows, _tested(manifest, node, about))


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
        if model.name in days and model.is_dated and "business_date" in _columns(manifest, model):
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


def _is_declared_at_a_model(manifest: Mapping[str, Any], node: NodeResult) -> bool:
    return _node(manifest, node).get("attached_node") is not None


def _tested(manifest: Mapping[str, Any], node: NodeResult, about: Model) -> Tested | None:
    """Where the rows are that a test of a model with business days found, if it gives no more of them than a value."""
    declared = _node(manifest, node)
    test, column = declared.get("test_metadata"), declared.get("column_name")
    if not test or not about.is_dated or "business_date" not in _columns(manifest, about):
        return None
    value = _VALUE_FOUND.get(test["name"])
    return Tested(
        table=TableName(about.schema_name, about.name),
        column=column if value is not None else None,
        value=value,
        is_whole="in_window" not in str(declared.get("config", {}).get("where") or ""),
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
    status = _STATUSES.get(node.status, CheckStatus.ERROR)
    failed = node.failures if status in (CheckStatus.PASSED, CheckStatus.WARNED, CheckStatus.FAILED) else None
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
        expected=expectation(declared, node.kind),
        actual=f"rows that break it: {failed}" if is_test and failed is not None else None,
        code_version=about.code,
        message=" ".join(node.message.split()) if node.message and status is not CheckStatus.PASSED else None,
    )


def dimension_of(declared: Mapping[str, Any], kind: str) -> Dimension:
    """What a test's own config declares (`meta: {dimension: …}`), else what its kind implies."""
    if kind == "model":
        return Dimension.COMPLETENESS
    if kind == "unit_test":
        return Dimension.ACCURACY
    dimension = (declared.get("config", {}).get("meta") or {}).get("dimension")
    if dimension in list(Dimension):
        return Dimension(dimension)
    test = (declared.get("test_metadata") or {}).get("name")
    if test is None:  # a statement of its own compares what has to agree
        return Dimension.CONSISTENCY
    return next((dimension for start, dimension in _DIMENSIONS if test.startswith(start)), Dimension.VALIDITY)


def expectation(declared: Mapping[str, Any], kind: str) -> str:
    """What a model or test of dbt is expected to show, in words."""
    if kind == "model":
        return "dbt builds it"
    if kind == "unit_test":
        return "the hand-made example gives the figures written beside it"
    test = declared.get("test_metadata") or {}
    arguments = test.get("kwargs", {})
    match test.get("name"):
        case "not_null":
            return "a value in every row"
        case "not_null_columns":
            return f"a value in every row: {', '.join(arguments.get('columns', ()))}"
        case "unique":
            return "every value once"
        case "unique_combination_of_columns":
            return f"every {', '.join(arguments.get('combination_of_columns', ()))} once"
        case "accepted_values":
            return f"one of {', '.join(map(str, arguments.get('values', ())))}"
        case "relationships":
            return f"known to {arguments.get('to', '')}.{arguments.get('field', '')}"
        case "expression_is_true":
            return str(arguments.get("expression", ""))
    return str(declared.get("description") or "no row is found")


def _rows(done: Transformed, window: Window, about: Model) -> int | None:
    """How many rows were tested."""
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
        case "not_null_columns":
            columns: Sequence[str] = test["test_metadata"]["kwargs"]["columns"]
            return columns
    return ()


def _key(test: Mapping[str, Any]) -> Sequence[str]:
    match test["test_metadata"]["name"]:
        case "unique":
            return [test["column_name"]]
        case "unique_combination_of_columns":
            columns: Sequence[str] = test["test_metadata"]["kwargs"]["combination_of_columns"]
            return columns
    return ()
