"""The ledger's tables are named in its package alone: all others call its queries."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vending_platform
from vending_platform import ledger
from vending_platform.ledger.tables import TABLES
from vending_platform.ledger.version import LEDGER_VERSION
from vending_platform.quality.tables import TABLES as QUALITY_TABLES
from vending_platform.warehouse import TableName
from vending_platform_tests.syntax import syntax_tree

PACKAGE = Path(vending_platform.__file__).parent
OWN = {table.name for table in (*TABLES, LEDGER_VERSION)}
OF_SNOWFLAKE = {"_publications", "_reservation"}
"""Its right to write and the number of its publications: what a warehouse needs to keep its promises is its own."""
HOMES = {
    "ledger": OWN,
    "quality/tables.py": {table.name for table in QUALITY_TABLES},
    "warehouse": OF_SNOWFLAKE,
}


def modules_outside(home: str) -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if not path.relative_to(PACKAGE).is_relative_to(home)]


def words_in_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every word of every text, also of docstrings and of what f-strings say between their values."""
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((node.lineno, word) for word in re.findall(r"\w+", node.value))


@pytest.mark.parametrize("home", HOMES)
def test_no_text_outside_names_a_table(home: str) -> None:
    named = [
        f"{path.relative_to(PACKAGE)}:{line} {word}"
        for path in modules_outside(home)
        for line, word in words_in_texts(path)
        if word in HOMES[home]
    ]
    assert named == []


def test_no_module_outside_gets_a_table_to_build_sql_with() -> None:
    tables = {name for name in ledger.__all__ if isinstance(getattr(ledger, name), TableName)}
    assert tables >= {"FILES"}
    imported = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {alias.name}"
        for path in modules_outside("ledger")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vending_platform.ledger")
        for alias in node.names
        if alias.name in tables or (node.module, alias.name) != ("vending_platform.ledger", alias.name)
    ]
    assert imported == []


def test_every_table_of_the_ledger_is_listed() -> None:
    """A table that is missing in the list would be made by no run, and named anywhere."""
    found = {
        value
        for path in (PACKAGE / "ledger").glob("*.py")
        for value in re.findall(r'TableName\("raw", "(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    assert found == OWN
