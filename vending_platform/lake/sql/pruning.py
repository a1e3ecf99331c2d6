"""Which files a query can leave out: what its WHERE clauses say of single columns of a table, as Iceberg has it.

A condition is used only where it is certain that a row that does not fulfil it can't be part of the result: where a
SELECT reads the table itself, and its WHERE must be true. All else is left to DuckDB, which checks every row again.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any

import sqlglot
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Or,
    Reference,
)
from pyiceberg.expressions.literals import literal
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DateType,
    DecimalType,
    IcebergType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
    TimestamptzType,
)
from sqlglot import exp
from sqlglot.errors import SqlglotError

from vending_platform.warehouse import TableName

_PLAIN_JOINS = ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI")
_COMPARISONS: dict[type[exp.Expr], tuple[Any, type[exp.Expr]]] = {
    exp.EQ: (EqualTo, exp.EQ),
    exp.GT: (GreaterThan, exp.LT),
    exp.GTE: (GreaterThanOrEqual, exp.LTE),
    exp.LT: (LessThan, exp.GT),
    exp.LTE: (LessThanOrEqual, exp.GTE),
}
"""Of each comparison what Iceberg calls it, and which one it is with its sides exchanged."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_LONGS = range(-(2**63), 2**63)


def row_filters(sql: str, schemas: Mapping[TableName, Schema]) -> dict[TableName, BooleanExpression]:
    """For each table what is true of every row of it that the query can need."""
    everything: dict[TableName, BooleanExpression] = dict.fromkeys(schemas, AlwaysTrue())
    try:
        (query,) = sqlglot.parse(sql, read="duckdb")
    except (SqlglotError, ValueError):
        return everything  # DuckDB knows more SQL than its parser here, and has the last word
    if query is None:
        return everything
    found: dict[TableName, list[BooleanExpression]] = {}
    with_names = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for node in query.find_all(exp.Table):
        if (table := _table_of(node, schemas, with_names)) is not None:
            found.setdefault(table, []).append(_condition_on(node, schemas, with_names))
    return everything | {table: reduce(Or, conditions) for table, conditions in found.items()}


def _table_of(node: exp.Table, schemas: Mapping[TableName, Schema], with_names: set[str]) -> TableName | None:
    name, namespace = node.name.lower(), node.db.lower()
    if not namespace and name in with_names:
        return None
    fitting = [table for table in schemas if table.name == name and namespace in ("", table.schema)]
    return fitting[0] if len(fitting) == 1 else None


def _condition_on(node: exp.Table, schemas: Mapping[TableName, Schema], with_names: set[str]) -> BooleanExpression:
    """What the SELECT that reads this table demands of its rows."""
    holder = node.parent
    select = holder.parent if isinstance(holder, (exp.From, exp.Join)) else None
    if not isinstance(select, exp.Select) or node.args.get("pivots") or node.args.get("sample"):
        return AlwaysTrue()
    joins: Sequence[exp.Join] = select.args.get("joins") or ()
    if any(join.method or join.kind not in _PLAIN_JOINS for join in joins):
        return AlwaysTrue()  # ASOF and the like choose among the rows that are there
    where = select.args.get("where")
    if where is None:
        return AlwaysTrue()
    sources = [select.args["from_"].this, *(join.this for join in joins)]
    others = [source for source in sources if source is not node]
    columns = {field.name.lower(): field for field in schemas[_certain(node, schemas, with_names)].fields}
    ambiguous: set[str] = set()
    for other in others:
        table = _table_of(other, schemas, with_names) if isinstance(other, exp.Table) else None
        ambiguous |= {field.name.lower() for field in schemas[table].fields} if table else columns.keys()

    def kind_of(column: exp.Column) -> tuple[str, IcebergType] | None:
        name = column.name.lower()
        is_ours = column.table.lower() == node.alias_or_name.lower() if column.table else name not in ambiguous
        return (columns[name].name, columns[name].field_type) if is_ours and name in columns else None

    return _condition(where.this, kind_of) or AlwaysTrue()


def _certain(node: exp.Table, schemas: Mapping[TableName, Schema], with_names: set[str]) -> TableName:
    table = _table_of(node, schemas, with_names)
    assert table is not None, "only tables of the lake are asked about"
    return table


def _condition(node: exp.Expr, kind_of: Any) -> BooleanExpression | None:
    """What follows from this condition, if anything does that Iceberg can express."""
    match node:
        case exp.Paren():
            return _condition(node.this, kind_of)
        case exp.And():
            left, right = _condition(node.left, kind_of), _condition(node.right, kind_of)
            return And(left, right) if left and right else left or right
        case exp.Or():
            left, right = _condition(node.left, kind_of), _condition(node.right, kind_of)
            return Or(left, right) if left and right else None
        case exp.Between() if not node.args.get("symmetric"):
            low = _compared(exp.GTE, node.this, node.args["low"], kind_of)
            high = _compared(exp.LTE, node.this, node.args["high"], kind_of)
            return And(low, high) if low and high else low or high
        case exp.In():
            return _listed(node, kind_of)
    return _compared(type(node), node.this, node.expression, kind_of) if type(node) in _COMPARISONS else None


def _compared(comparison: type[exp.Expr], left: exp.Expr, right: exp.Expr, kind_of: Any) -> BooleanExpression | None:
    iceberg, exchanged = _COMPARISONS[comparison]
    if not isinstance(left, exp.Column):
        return _compared(exchanged, right, left, kind_of) if isinstance(right, exp.Column) else None
    if (column := kind_of(left)) is None or (value := _value(right, column[1])) is None:
        return None
    predicate: BooleanExpression = iceberg(column[0], value)
    return predicate


def _listed(node: exp.In, kind_of: Any) -> BooleanExpression | None:
    if not isinstance(node.this, exp.Column) or not node.expressions or node.args.get("query"):
        return None
    if (column := kind_of(node.this)) is None:
        return None
    values = [_value(each, column[1]) for each in node.expressions]
    return In(term=Reference(column[0]), literals={literal(value) for value in values}) if None not in values else None


def _value(node: exp.Expr, kind: IcebergType) -> Any:
    """The literal as a value of the column's type, if DuckDB compares it as such."""
    is_negative = isinstance(node, exp.Neg)
    literal = node.this if is_negative else node
    as_type = None
    if isinstance(literal, exp.Cast):
        as_type, literal = literal.to.this, literal.this
    if not isinstance(literal, exp.Literal):
        return None
    written = str(literal.this)
    if literal.is_string:
        return None if is_negative else _value_of_text(written, kind, as_type)
    return _number("-" * is_negative + written, kind) if as_type is None else None


def _number(written: str, kind: IcebergType) -> int | Decimal | None:
    try:
        value = Decimal(written)
    except InvalidOperation:
        return None
    scale = -int(value.as_tuple().exponent)
    if isinstance(kind, (IntegerType, LongType)):
        return int(value) if scale <= 0 and "e" not in written.lower() and int(value) in _LONGS else None
    if isinstance(kind, DecimalType) and 0 <= scale <= kind.scale and abs(value) < 10 ** (kind.precision - kind.scale):
        return value.quantize(Decimal(1).scaleb(-kind.scale))
    return None


def _value_of_text(written: str, kind: IcebergType, as_type: object) -> Any:
    types = exp.DataType.Type
    match kind:
        case StringType() if as_type in (None, types.TEXT, types.VARCHAR):
            return written
        case DateType() if as_type in (None, types.DATE) and _is_day(written):
            return date.fromisoformat(written)
        case TimestampType() | TimestamptzType() if as_type in (None, types.DATE, types.TIMESTAMP, types.TIMESTAMPNTZ):
            zone = "+00:00" if isinstance(kind, TimestamptzType) else ""  # queries run in UTC
            if _is_day(written):
                return f"{written}T00:00:00{zone}"
            if as_type is not types.DATE and _is_moment(written):
                return written.replace(" ", "T") + zone
    return None


def _is_day(written: str) -> bool:
    return _DAY.fullmatch(written) is not None and _is_in_the_calendar(written)


def _is_moment(written: str) -> bool:
    return _MOMENT.fullmatch(written) is not None and _is_in_the_calendar(written)


def _is_in_the_calendar(written: str) -> bool:
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True
