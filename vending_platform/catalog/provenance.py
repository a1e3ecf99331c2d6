"""Which rows of its inputs a row of a model rests on: what its `config.meta.provenance` says.

`reach` says which days of its inputs a day reads; this says which rows of those days. What says nothing is taken to
rest on all of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Pairs = tuple[tuple[str, str], ...]
"""A column of the model, and that column of its input which holds the same value."""
ALLOWED = "allowed: same, inputs, peers, since and besides"
NOTHING = "nothing"
"""Said of an input: it adds no rows to those of the others."""


@dataclass(frozen=True)
class Provenance:
    """What a row rests on.

    `same`: only those rows of its inputs that have its own values in these columns, as far as an input has them;
    `inputs` says it for single inputs, and of those in `of_peers` that they are about others than the row.
    `peers`: it is compared with the rows of its own day that have the same values in these columns.
    `since`: the column with the first day that was read, or with how many days before its own that was.
    `besides`: in words, what else decides a row and can't be given line by line."""

    same: Pairs = ()
    inputs: tuple[tuple[str, Pairs | None], ...] = ()
    of_peers: frozenset[str] = frozenset()
    peers: tuple[str, ...] | None = None
    since: str | None = None
    besides: str | None = None

    def of_input(self, name: str) -> Pairs | None:
        """The columns that decide which of its rows are read; None if it adds nothing."""
        return dict(self.inputs).get(name, self.same)


def read_provenance(said: Any, columns: Iterable[str], inputs: Iterable[str]) -> Provenance:
    """What a model's YAML says; a ValueError tells what is wrong with it."""
    if not isinstance(said, Mapping):
        raise ValueError(f"provenance {said!r} is not a mapping; {ALLOWED}")
    if unknown := sorted(said.keys() - {"same", "inputs", "peers", "since", "besides"}):
        raise ValueError(f"provenance has an unknown key {unknown[0]!r}; {ALLOWED}")
    known, names = list(columns), list(inputs)
    of_inputs = said.get("inputs") or {}
    if not isinstance(of_inputs, Mapping):
        raise ValueError("provenance.inputs is not a mapping from an input's name to columns")
    for name in sorted(of_inputs):
        if name not in names:
            raise ValueError(f"provenance.inputs names {name!r}, which it does not read; it reads: {', '.join(names)}")
    for key in ("since", "besides"):
        if said.get(key) is not None and not isinstance(said[key], str):
            raise ValueError(f"provenance.{key} {said[key]!r} is not a text")
    found = Provenance(
        same=tuple(_pairs(said.get("same") or ())),
        inputs=tuple((name, _of_input(of_inputs[name])) for name in sorted(of_inputs)),
        of_peers=frozenset(name for name in of_inputs if _is_of_peers(of_inputs[name])),
        peers=None if said.get("peers") is None else tuple(mine for mine, _ in _pairs(said["peers"])),
        since=said.get("since"),
        besides=said.get("besides"),
    )
    named = [mine for pairs in (found.same, *(pairs for _, pairs in found.inputs)) for mine, _ in pairs or ()]
    for column in (*named, *(found.peers or ()), *([found.since] if found.since else ())):
        if known and column not in known:
            raise ValueError(f"provenance names {column!r}, which is not a column of it; columns: {', '.join(known)}")
    return found


def _of_input(said: Any) -> Pairs | None:
    if said == NOTHING:
        return None
    return tuple(_pairs((said["peers"] if _is_of_peers(said) else said) or ()))


def _is_of_peers(said: Any) -> bool:
    return isinstance(said, Mapping) and said.keys() == {"peers"}


def _pairs(said: Any) -> Iterator[tuple[str, str]]:
    if isinstance(said, str) or not isinstance(said, Iterable):
        raise ValueError(f"provenance {said!r} is not a list of columns")
    for one in said:
        if isinstance(one, str):
            yield one, one
        elif isinstance(one, Mapping) and len(one) == 1 and all(isinstance(name, str) for name in one.values()):
            yield next(iter(one.items()))
        else:
            raise ValueError(f"provenance {one!r} is not a column; write its name, or `mine: theirs`")
