"""Column lineage by sqlglot, from compiled SQL.

sqlglot has this itself (`sqlglot.lineage`), a column at a time; walking a statement's scopes once gives the same for
all of its columns in a sixth of the time. What was found is kept under the hash of the SQL that it was found in.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from vending_platform.damage import put_aside

_OF_THE_PLATFORM = ("_file_id", "_line", "_business_date", "_loaded_at")
"""Columns of a delivered table that no contract declares."""
_DAY = re.compile(r"'\d{4}-\d\d-\d\d'")


class ColumnRef(NamedTuple):
    """A column of a table in the warehouse."""

    schema: str
    table: str
    name: str


Columns = Mapping[str, Sequence[ColumnRef]]
"""Of each column of a model, the columns of other tables that it is made of."""


def column_lineage(manifest: Mapping[str, Any], compiled: Path, kept: Path, dialect: str) -> dict[str, Columns]:
    """By a model's id, of every model that was built: `compiled` is where dbt has left the SQL, `kept` where what was
    found in it is kept."""
    statements = {
        name: text
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and (text := _read(compiled / node["package_name"] / node["original_file_path"])) is not None
    }
    if not statements:
        return {}
    path = kept / f"columns-{_hash(statements, dialect)}.json"
    if (found := _known(path)) is None:
        found = dict(_found(manifest, statements, dialect))
        _keep(path, found)
    return found


def columns_of(statement: str, tables: Mapping[str, Mapping[str, Iterable[str]]], dialect: str) -> Columns:
    """Of one statement, in its columns' order; `tables` are the columns of the tables that it reads, by schema and
    name, as far as they are known."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    tree = sqlglot.parse_one(statement, dialect=dialect)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)  # a model's table is known by its schema and its name
    schema: dict[str, object] = {
        name: {table: dict.fromkeys(columns, "text") for table, columns in of.items()} for name, of in tables.items()
    }
    query: Any = qualify(tree, dialect=dialect, schema=schema, validate_qualify_columns=False, identify=False)
    scope = build_scope(query)
    found: dict[tuple[int, str], frozenset[ColumnRef]] = {}
    return {name.lower(): sorted(_behind(scope, name, found)) for name in query.named_selects}


def _found(manifest: Mapping[str, Any], statements: Mapping[str, str], dialect: str) -> Iterator[tuple[str, Columns]]:
    """Models come after those that they read, as `select *` needs the columns of these."""
    from sqlglot.errors import SqlglotError

    tables: dict[str, dict[str, Iterable[str]]] = {}
    for source in manifest["sources"].values():
        tables.setdefault(source["schema"], {})[source["identifier"]] = [*source["columns"], *_OF_THE_PLATFORM]
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed") and node["columns"]:
            tables.setdefault(node["schema"], {})[node["name"]] = list(node["columns"])
    for name in _in_order(manifest, statements):
        node = manifest["nodes"][name]
        try:
            columns = columns_of(statements[name], tables, dialect)
        except SqlglotError:  # what it can't read has no column lineage, and is built all the same
            continue
        tables.setdefault(node["schema"], {})[node["name"]] = list(columns)
        yield name, columns


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


def _behind(scope: Any, name: str, known: dict[tuple[int, str], frozenset[ColumnRef]]) -> frozenset[ColumnRef]:
    """The columns of tables that a column of this scope is made of."""
    from sqlglot import exp

    key = (id(scope), name)
    if key in known:
        return known[key]
    known[key] = frozenset()  # of a statement that reads itself
    found: set[ColumnRef] = set()
    if scope.set_operation_scopes:
        names = scope.set_operation_scopes[0].expression.named_selects
        for branch in scope.set_operation_scopes if name in names else ():
            of_branch = branch.expression.named_selects
            found |= _behind(branch, of_branch[names.index(name)], known)
    elif isinstance(scope.expression, exp.Select):
        for selected in scope.expression.selects:
            if selected.alias_or_name == name:
                for column in selected.find_all(exp.Column):
                    found |= _read_by(scope, column, known)
    known[key] = frozenset(found)
    return known[key]


def _read_by(scope: Any, column: Any, known: dict[tuple[int, str], frozenset[ColumnRef]]) -> frozenset[ColumnRef]:
    """What one column in an expression stands for: in the scope itself, or in a subquery of the expression."""
    from sqlglot import exp

    scopes = [scope]
    for one in scopes:
        source = one.sources.get(column.table)
        if isinstance(source, exp.Table):
            return frozenset({ColumnRef(source.db.lower(), source.name.lower(), column.name.lower())})
        if source is not None:
            return _behind(source, column.name, known)
        scopes += one.subquery_scopes
    return frozenset()


def _hash(statements: Mapping[str, str], dialect: str) -> str:
    """The days that a build was about make no other lineage."""
    told = {name: _DAY.sub("''", text) for name, text in sorted(statements.items())}
    return hashlib.sha256(json.dumps([told, dialect, version("sqlglot")]).encode()).hexdigest()[:16]


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
