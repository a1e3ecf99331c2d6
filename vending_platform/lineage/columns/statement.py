"""Column lineage of one statement, by sqlglot.

sqlglot has this itself (`sqlglot.lineage`), a column at a time and without what decides on rows; walking a statement's
scopes once gives the same for all of its columns in a sixth of the time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vending_platform.lineage.columns.names import ColumnRef, Columns, Influence, Influences, StatementLineage

Tables = Mapping[str, Mapping[str, Iterable[str]]]
"""The columns of tables, by schema and name, as far as they are known."""
_Found = dict[ColumnRef, set[Influence]]


def columns_of(statement: str, tables: Tables, dialect: str) -> Columns:
    """Of one statement, in its columns' order: what stands in the expression of each."""
    return statement_lineage(statement, tables, dialect).named


def statement_lineage(statement: str, tables: Tables, dialect: str) -> StatementLineage:
    """SqlglotError if sqlglot can't read the statement."""
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
    walk = _Walk()
    scope = build_scope(query)
    columns = {name.lower(): _sorted(walk.behind(scope, name)) for name in query.named_selects}
    return StatementLineage(columns, _sorted(walk.deciding(scope)))


class _Walk:
    """Through the scopes of one statement: each of their columns is followed once."""

    def __init__(self) -> None:
        self._columns: dict[tuple[int, str], _Found] = {}
        self._rows: dict[int, _Found] = {}

    def behind(self, scope: Any, name: str) -> _Found:
        """The columns of tables that a column of this scope is made of, or decided by."""
        from sqlglot import exp

        key = (id(scope), name)
        if key in self._columns:
            return self._columns[key]
        self._columns[key] = {}  # of a statement that reads itself
        found: _Found = defaultdict(set)
        if scope.set_operation_scopes:
            names = scope.set_operation_scopes[0].expression.named_selects
            for branch in scope.set_operation_scopes if name in names else ():
                _merge(found, self.behind(branch, branch.expression.named_selects[names.index(name)]))
        elif isinstance(scope.expression, exp.Select):
            for selected in scope.expression.selects:
                if selected.alias_or_name == name:
                    for column in selected.find_all(exp.Column):
                        _merge(found, self._read(scope, column), _influence(column, selected))
        else:  # a function in the place of a table: whatever it is given is in its rows
            _merge(found, self._given(scope), Influence.TRANSFORMATION)
        self._columns[key] = found
        return found

    def deciding(self, scope: Any) -> _Found:
        """The columns of tables that decide on which rows this scope has."""
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        if id(scope) in self._rows:
            return self._rows[id(scope)]
        self._rows[id(scope)] = {}
        found: _Found = defaultdict(set)
        for column, influence in _clauses(scope):
            _merge(found, self._read(scope, column), influence)
        for branch in scope.set_operation_scopes or ():
            _merge(found, self.deciding(branch))
            if _compares_rows(scope.expression):
                for name in branch.expression.named_selects:
                    _merge(found, self.behind(branch, name), Influence.GROUP_BY)
        for _, source in scope.selected_sources.values():
            if isinstance(source, exp.Table) and not isinstance(source.this, exp.Identifier):
                _merge(found, self._arguments(scope, source), Influence.JOIN)
            if isinstance(source, Scope):
                _merge(found, self.deciding(source))
                if source.is_udtf:
                    _merge(found, self._given(source), Influence.JOIN)
        for below in scope.subquery_scopes:
            _merge(found, self.deciding(below))
        self._rows[id(scope)] = found
        return found

    def _given(self, scope: Any) -> _Found:
        """What a function in the place of a table is given: its arguments are of the scope around it."""
        from sqlglot import exp

        found: _Found = defaultdict(set)
        for column in scope.expression.find_all(exp.Column):
            for around in (scope, scope.parent):
                if around is not None and (read := self._read(around, column)):
                    _merge(found, read)
                    break
        return found

    def _arguments(self, scope: Any, source: Any) -> _Found:
        """What a function of rows, such as `generate_series`, is given in a scope."""
        from sqlglot import exp

        found: _Found = defaultdict(set)
        for column in source.this.find_all(exp.Column):
            if column.table != source.alias_or_name:
                _merge(found, self._read(scope, column), Influence.TRANSFORMATION)
        return found

    def _read(self, scope: Any, column: Any) -> _Found:
        """What one column in an expression stands for: in the scope itself, in a subquery of the expression, or in the
        scope around a subquery."""
        from sqlglot import exp

        below, scopes = [scope], [scope]
        for one in below:
            below += one.subquery_scopes
        around = scope
        while around.parent is not None and around.is_correlated_subquery:
            around = around.parent
            scopes.append(around)
        for one in [*below, *scopes[1:]]:
            source = one.sources.get(column.table)
            if isinstance(source, exp.Table) and not isinstance(source.this, exp.Identifier):
                return self._arguments(one, source)
            if isinstance(source, exp.Table):
                found = ColumnRef(source.db.lower(), source.name.lower(), column.name.lower())
                return {found: {Influence.IDENTITY}}
            if source is not None:
                return self.behind(source, column.name)
        return {}


def _clauses(scope: Any) -> Iterator[tuple[Any, Influence]]:
    """The columns in the clauses of a select that decide on its rows."""
    from sqlglot import exp

    select = scope.expression
    if not isinstance(select, exp.Select):
        return
    args = select.args
    parts: list[tuple[Any, Influence]] = [
        *((args.get(name), Influence.FILTER) for name in ("where", "having", "qualify")),
        *((join.args.get("on"), Influence.JOIN) for join in args.get("joins") or ()),
        (args.get("group"), Influence.GROUP_BY),
    ]
    if (group := args.get("group")) is not None and group.args.get("all"):
        parts += [(one, Influence.GROUP_BY) for one in select.selects if one.find(exp.AggFunc) is None]
    if (distinct := args.get("distinct")) is not None:
        on = distinct.args.get("on")
        parts += [(one, Influence.GROUP_BY) for one in ([on] if on is not None else select.selects)]
    if args.get("limit") is not None or (distinct is not None and distinct.args.get("on") is not None):
        parts.append((args.get("order"), Influence.SORT))
    # A function in the select list that gives several rows for one.
    for selected in select.selects:
        parts += [(one, Influence.JOIN) for one in selected.find_all(exp.Unnest, exp.Explode)]
    for part, influence in parts:
        if part is not None:
            yield from ((column, influence) for column in part.find_all(exp.Column))


def _influence(column: Any, selected: Any) -> Influence:
    """What a column has to do with the selected expression that it stands in."""
    from sqlglot import exp

    found = Influence.IDENTITY
    node = column
    while node is not selected:
        parent, key = node.parent, node.arg_key
        match parent:
            case exp.If() | exp.Case() if key == "this":
                return Influence.CONDITIONAL
            case exp.Filter() if key == "expression":
                return Influence.CONDITIONAL
            case exp.Window() if key != "this":
                return Influence.WINDOW
            case exp.Order():
                return Influence.SORT
            case exp.Where() | exp.Having() | exp.Qualify():
                return Influence.FILTER
            case exp.Join() if key in ("on", "using"):
                return Influence.JOIN
            case exp.Group():
                return Influence.GROUP_BY
            case exp.AggFunc():
                found = Influence.AGGREGATION
            case exp.Alias() | exp.Paren() | exp.Subquery() | exp.Select():
                pass
            case _ if found is Influence.IDENTITY:
                found = Influence.TRANSFORMATION
        node = parent
    return found


def _compares_rows(expression: Any) -> bool:
    """Whether a set operation lets rows out that are equal to others."""
    from sqlglot import exp

    return isinstance(expression, exp.Except | exp.Intersect) or bool(expression.args.get("distinct"))


def _merge(found: _Found, more: Mapping[ColumnRef, set[Influence]], outer: Influence = Influence.IDENTITY) -> None:
    for column, influences in more.items():
        found.setdefault(column, set()).update(outer.through(inner) for inner in influences)


def _sorted(found: _Found) -> Influences:
    return {column: frozenset(found[column]) for column in sorted(found)}
