"""Column lineage of a dbt project: of each of its models, after those that it reads."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vending_platform.damage import put_aside
from vending_platform.lineage.columns.kept import KeptStatements, without_days
from vending_platform.lineage.columns.names import ColumnRef, Columns, StatementLineage

OF_THE_PLATFORM = ("_file_id", "_line", "_business_date", "_loaded_at")
"""Columns of a delivered table that no contract declares."""


def column_lineage(manifest: Mapping[str, Any], compiled: Path, kept: Path, dialect: str) -> dict[str, Columns]:
    """By a model's id, of every model that was built: `compiled` is where dbt has left the SQL, `kept` where what was
    found in it is kept."""
    statements = _statements(manifest, compiled)
    if not statements:
        return {}
    path = kept / f"columns-{_hash(statements, dialect)}.json"
    if (found := _known(path)) is None:
        by_kind = _found(manifest, statements, KeptStatements(kept / "statements", dialect))
        found = {name: of_model.named for name, of_model in by_kind}
        _keep(path, found)
    return found


def project_lineage(
    manifest: Mapping[str, Any], compiled: Path, kept: Path, dialect: str
) -> dict[str, StatementLineage]:
    """The same with the kind of each influence."""
    return dict(_found(manifest, _statements(manifest, compiled), KeptStatements(kept / "statements", dialect)))


def declared_columns(declared: Mapping[str, Any]) -> list[str]:
    """The columns of a source, model or seed, as the project declares them."""
    columns = list(declared["columns"])
    return [*columns, *OF_THE_PLATFORM] if declared["resource_type"] == "source" else columns


def _statements(manifest: Mapping[str, Any], compiled: Path) -> dict[str, str]:
    return {
        name: text
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and (text := _read(compiled / node["package_name"] / node["original_file_path"])) is not None
    }


def _found(
    manifest: Mapping[str, Any], statements: Mapping[str, str], known: KeptStatements
) -> Iterator[tuple[str, StatementLineage]]:
    """Models come after those that they read, as `select *` needs the columns of these."""
    columns: dict[str, tuple[str, str, list[str]]] = {}
    for name, source in manifest["sources"].items():
        columns[name] = (source["schema"], source["identifier"], [*source["columns"], *OF_THE_PLATFORM])
    for name, node in manifest["nodes"].items():
        if node["resource_type"] in ("model", "seed") and node["columns"]:
            columns[name] = (node["schema"], node["name"], list(node["columns"]))
    for name in _in_order(manifest, statements):
        node = manifest["nodes"][name]
        tables: dict[str, dict[str, Iterable[str]]] = {}
        for parent in manifest["parent_map"].get(name, ()):
            if parent in columns:
                schema, table, names = columns[parent]
                tables.setdefault(schema, {})[table] = names
        try:
            found = known.lineage(statements[name], tables)
        except _unreadable():  # what it can't read has no column lineage, and is built all the same
            continue
        columns[name] = (node["schema"], node["name"], list(found.columns))
        yield name, found


def _unreadable() -> type[Exception]:
    from sqlglot.errors import SqlglotError

    return SqlglotError


def _in_order(manifest: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order or name not in manifest["nodes"]:
            return
        for parent in manifest["parent_map"].get(name, ()):
            visit(parent)
        order[name] = None

    wanted = set(names)
    for name in sorted(wanted):
        visit(name)
    return [name for name in order if name in wanted]


def _hash(statements: Mapping[str, str], dialect: str) -> str:
    stable = {name: without_days(text) for name, text in sorted(statements.items())}
    return hashlib.sha256(json.dumps([stable, dialect, version("sqlglot")]).encode()).hexdigest()[:16]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _known(path: Path) -> dict[str, Columns] | None:
    if (text := _read(path)) is None:
        return None
    try:
        found = json.loads(text)
        return {
            model: {name: [ColumnRef(*column) for column in behind] for name, behind in columns.items()}
            for model, columns in found.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        put_aside(path, error)
        return None


def _keep(path: Path, found: Mapping[str, Columns]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as aside:
        json.dump(found, aside)
    Path(aside.name).replace(path)
    for older in path.parent.glob("columns-*.json"):
        if older != path:
            older.unlink(missing_ok=True)
