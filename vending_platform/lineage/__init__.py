"""Which columns a model's columns are made of, by the SQL that dbt compiled for its last build."""

from vending_platform.lineage.columns import ColumnRef, Columns, column_lineage, columns_of

__all__ = ["ColumnRef", "Columns", "column_lineage", "columns_of"]
