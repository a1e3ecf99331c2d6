"""The words of column lineage, which are OpenLineage's."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ColumnRef(NamedTuple):
    """A column of a table in the warehouse."""

    schema: str
    table: str
    name: str


Columns = Mapping[str, Sequence[ColumnRef]]
"""Of each column of a model, the columns of other tables that it is made of."""


class Influence(StrEnum):
    """What an input column has to do with an output: the first three give its values, the others decide on them."""

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    CONDITIONAL = "CONDITIONAL"
    WINDOW = "WINDOW"
    FILTER = "FILTER"
    JOIN = "JOIN"
    GROUP_BY = "GROUP_BY"
    SORT = "SORT"

    @property
    def is_direct(self) -> bool:
        return self in (Influence.IDENTITY, Influence.TRANSFORMATION, Influence.AGGREGATION)

    def through(self, inner: "Influence") -> "Influence":
        """Of a column that has this influence on an output, the influence of what it is made of itself."""
        if not self.is_direct:
            return self
        if not inner.is_direct:
            return inner
        return max(self, inner, key=list(Influence).index)


Influences = Mapping[ColumnRef, Set[Influence]]


@dataclass(frozen=True)
class StatementLineage:
    """Of one statement. `columns` are its own, in order, with what each is made of or decided by; `rows` decide on
    which rows there are, so on all columns."""

    columns: Mapping[str, Influences]
    rows: Influences

    @property
    def direct(self) -> Columns:
        """What gives the values of each column."""
        return {name: sorted(one for one, how in of.items() if _is_direct(how)) for name, of in self.columns.items()}

    @property
    def named(self) -> Columns:
        """What stands in the expression of each column, also in a condition of it."""
        return {name: sorted(found) for name, found in self.columns.items()}


def _is_direct(influences: Set[Influence]) -> bool:
    return any(one.is_direct for one in influences)
