"""Which columns a statement's columns are made of, and which decide on its rows, by the SQL that dbt has compiled."""

from vending_platform.lineage.columns.kept import KeptStatements
from vending_platform.lineage.columns.names import ColumnRef, Columns, Influence, StatementLineage
from vending_platform.lineage.columns.project import OF_THE_PLATFORM, column_lineage, project_lineage
from vending_platform.lineage.columns.statement import columns_of, statement_lineage

__all__ = [
    "OF_THE_PLATFORM",
    "ColumnRef",
    "Columns",
    "Influence",
    "KeptStatements",
    "StatementLineage",
    "column_lineage",
    "columns_of",
    "project_lineage",
    "statement_lineage",
]
