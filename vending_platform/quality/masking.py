"""No person's name, number or pseudonym is kept with a failing row.

Personal are the columns that the dbt project declares so (`config.meta.personal`), wherever one of that name is; and
what can only be a person's key by its name, so that a column that is not marked yet is not the first leak.
"""

import re
from collections.abc import Iterator
from typing import Any

from vending_platform.quality.results import Row

MASK = "•••"
_BY_NAME = re.compile(r"(^|_)(staff|person|driver|employee|user)(_|$)")
_FREE_TEXT = frozenset({"raw_text", "_extra"})
"""May hold anything, so also a person."""
_LONGEST = 200


def personal_columns(manifest: dict[str, Any]) -> frozenset[str]:
    """The names of all columns that the project marks as personal, of sources and of models."""
    return frozenset(_personal(manifest))


def _personal(manifest: dict[str, Any]) -> Iterator[str]:
    for node in (*manifest.get("sources", {}).values(), *manifest.get("nodes", {}).values()):
        for name, column in node.get("columns", {}).items():
            meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
            if meta.get("personal"):
                yield name.lower()


def masked(row: Row, personal: frozenset[str]) -> dict[str, str | None]:
    """The row as texts, short enough to be read, without anybody in it."""
    return {name: _shown(name.lower(), value, personal) for name, value in row.items()}


def masked_words(words: str, personal: frozenset[str]) -> str:
    """A reason in words, without those parts of it that are about a personal column: they may quote its value."""
    parts = words.split("; ")
    return "; ".join(f"{found}: {MASK}" if (found := _named(part, personal)) else part for part in parts)


def _named(words: str, personal: frozenset[str]) -> str | None:
    named = (word.lower() for word in re.findall(r"\w+", words))
    return next((word for word in named if word not in _FREE_TEXT and is_personal(word, personal)), None)


def is_personal(column: str, personal: frozenset[str]) -> bool:
    return column in personal or column in _FREE_TEXT or _BY_NAME.search(column) is not None


def _shown(column: str, value: object, personal: frozenset[str]) -> str | None:
    if value is None:
        return None
    text = MASK if is_personal(column, personal) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
