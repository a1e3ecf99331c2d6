"""Views without schema binding, which PostgreSQL does not have: they outlive what they read.

They are views of PostgreSQL, listed in `redshift.late_binding_views`; a trigger makes one again as soon as what it
reads is back (functions.sql). What makes, renames or drops one changes the list in the same statement.
"""

import re

from vending_platform_tests.emulators.redshift.dialect import Token, tokens, translated

_CREATE = re.compile(
    r"create\s+(?:or\s+replace\s+)?view\s+(?P<name>[\w.\"]+)\s+as\s+(?P<query>.*?)\s*with\s+no\s+schema\s+binding\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_RENAME = re.compile(
    r"alter\s+(?:table|view)\s+(?P<name>[\w.\"]+)\s+rename\s+to\s+(?P<new>[\w\"]+)\s*;?\s*", re.IGNORECASE
)
_DROP = re.compile(r"drop\s+view\s+(?:if\s+exists\s+)?(?P<name>[\w.\"]+)(?:\s+cascade)?\s*;?\s*", re.IGNORECASE)


def view_statement(sql: str) -> str | None:
    """One statement that also keeps the list; None where the statement is not about such a view."""
    text = _without_comments(tokens(sql))
    if found := _CREATE.fullmatch(text):
        name, query = _name(found["name"]), translated(found["query"])
        return _block(
            f"delete from redshift.late_binding_views where relation = '{name}';"
            f"execute 'drop view if exists {name} cascade';"
            f"execute $ddl$create view {name} as {query}$ddl$;"
            f"insert into redshift.late_binding_views values ('{name}', $ddl${query}$ddl$);"
        )
    if found := _RENAME.fullmatch(text):
        name = _name(found["name"])
        new = ".".join([*name.split(".")[:-1], found["new"].strip('"').lower()])
        return _block(
            f"update redshift.late_binding_views set relation = '{new}' where relation = '{name}';"
            f"execute 'alter table {name} rename to {new.split('.')[-1]}';"
        )
    if found := _DROP.fullmatch(text):
        name = _name(found["name"])
        return _block(
            f"delete from redshift.late_binding_views where relation = '{name}';execute $ddl${translated(text)}$ddl$;"
        )
    return None


def _without_comments(found: list[Token]) -> str:
    return "".join(token.text for token in found if token.kind != "comment").strip()


def _name(written: str) -> str:
    """Schema and name; the database is the one that the session is in."""
    return ".".join(part.strip('"').lower() for part in written.split(".")[-2:])


def _block(body: str) -> str:
    return f"do $block$ begin {body} end $block$"
