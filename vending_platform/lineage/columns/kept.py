"""What was found in a statement, kept under the hash of it: the days that a build was about make no other lineage."""

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vending_platform.damage import put_aside
from vending_platform.lineage.columns.names import ColumnRef, Influence, Influences, StatementLineage
from vending_platform.lineage.columns.statement import Tables, statement_lineage

_EDITION = 2
"""Of this package's way to find lineage: another one finds it again."""
_DAY = re.compile(r"'\d{4}-\d\d-\d\d'")
_AT_MOST = 2000
"""Statements that are kept; a project has dozens."""


class KeptStatements:
    """A folder with a file for each statement."""

    def __init__(self, folder: Path, dialect: str) -> None:
        self._folder, self._dialect = folder, dialect

    def lineage(self, statement: str, tables: Tables) -> StatementLineage:
        """SqlglotError if sqlglot can't read the statement."""
        columns = {name: {table: list(of) for table, of in found.items()} for name, found in tables.items()}
        path = self._folder / f"{self._key(statement, columns)}.json"
        if (known := _read(path)) is not None:
            return known
        found = statement_lineage(statement, columns, self._dialect)
        self._write(path, found)
        return found

    def _key(self, statement: str, tables: Tables) -> str:
        hashed = [without_days(statement), tables, self._dialect, version("sqlglot"), _EDITION]
        return hashlib.sha256(json.dumps(hashed).encode()).hexdigest()[:24]

    def _write(self, path: Path, found: StatementLineage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        content = {
            "columns": {name: _as_json(of) for name, of in found.columns.items()},
            "rows": _as_json(found.rows),
        }
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, suffix=".tmp", delete=False) as aside:
            json.dump(content, aside)
        Path(aside.name).replace(path)
        if len(files := list(self._folder.glob("*.json"))) > _AT_MOST:
            for older in sorted(files, key=lambda file: file.stat().st_mtime)[: _AT_MOST // 2]:
                older.unlink(missing_ok=True)


def without_days(statement: str) -> str:
    return _DAY.sub("''", statement)


def _as_json(found: Influences) -> list[Any]:
    return [[*column, sorted(how)] for column, how in found.items()]


def _read(path: Path) -> StatementLineage | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return StatementLineage(
            {name: _influences(of) for name, of in content["columns"].items()}, _influences(content["rows"])
        )
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        put_aside(path, error)
        return None


def _influences(found: list[Any]) -> Mapping[ColumnRef, frozenset[Influence]]:
    return {ColumnRef(*column): frozenset(map(Influence, how)) for *column, how in found}
