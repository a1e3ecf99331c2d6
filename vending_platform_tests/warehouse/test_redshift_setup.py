"""The administrator's script agrees with what the platform expects, and shows readers no more than they may see."""

import re

from vending_platform.environment import PROJECT_DIR
from vending_platform.warehouse.redshift.setup import setup_statements


def script() -> list[str]:
    text = re.sub(r"--[^\n]*", "", (PROJECT_DIR / "docs" / "redshift-setup.sql").read_text())
    return [" ".join(statement.split()) for statement in text.split(";") if statement.strip()]


def plain(statement: str) -> str:
    return statement.lower().replace('"', "")


def test_what_the_platform_would_set_up_by_itself_is_part_of_it() -> None:
    assert set(map(plain, setup_statements())) <= set(map(plain, script()))


def test_readers_see_marts_and_reference_data_and_nothing_else() -> None:
    granted = [statement for statement in script() if statement.endswith("to role platform_reader")]
    schemas = {found for statement in granted for found in re.findall(r"in schema (\w+)|on schema (\w+)", statement)}
    assert {name for pair in schemas for name in pair if name} == {"mart", "ref"}
    assert {statement.split()[1] for statement in granted if statement.startswith("grant")} == {"usage", "select"}


def test_no_one_has_a_password_and_nothing_is_destroyed() -> None:
    for statement in script():
        words = statement.split()
        assert words[0] in {"create", "grant", "alter", "revoke", "insert"}, statement
        if words[:2] == ["create", "user"]:
            assert statement.endswith("password disable")
    revoked = {statement.split()[4] for statement in script() if statement.startswith("revoke all on schema")}
    assert revoked == {"raw", "stage", "mart", "ref", "dq"}
