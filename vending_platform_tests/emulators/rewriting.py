"""fakesnow's rewriting of statements into DuckDB's SQL, without the steps that a statement gives nothing to do.

fakesnow goes through a whole statement eighty times, once for each thing that it knows to rewrite. Nearly every step
begins by checking if a node is of a certain kind; where a statement has no node of that kind, the step is left out.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

from fakesnow import transforms
from sqlglot import exp

Step = Callable[..., Any]


class Rewritten:
    """Takes the place of a statement in fakesnow's chain of `statement.transform(step).transform(…)`."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._kinds = _kinds_in(statement)

    def transform(self, step: Step, **options: Any) -> "Rewritten":
        kinds = _kinds_checked_by(step.__code__)
        if kinds is None or any(issubclass(kind, kinds) for kind in self._kinds):
            self.statement = self.statement.transform(step, **options)
            self._kinds = _kinds_in(self.statement)
        return self


def _kinds_in(statement: Any) -> set[type]:
    return {type(node) for node in statement.walk()}


@cache
def _kinds_checked_by(code: CodeType) -> tuple[type, ...] | None:
    """The kinds of nodes that a step looks for; None where it has no `isinstance` of its first argument."""
    named = (getattr(transforms, name, None) for name in (code.co_name, *code.co_names))
    found = next(filter(inspect.isfunction, named), None)
    if found is None:
        return None
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(found))).body
    assert isinstance(function, ast.FunctionDef)
    node = function.args.args[0].arg
    checked: set[type] = set()
    for call in ast.walk(function):
        match call:
            case ast.Call(func=ast.Name("isinstance"), args=[ast.Name(id=tested), kinds]) if tested == node:
                for kind in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
                    if not isinstance(kind, ast.Attribute):
                        return None
                    checked.add(getattr(exp, kind.attr))
    return tuple(checked) or None
