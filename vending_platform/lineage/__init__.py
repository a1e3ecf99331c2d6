"""Which columns a model's columns are made of, by the SQL that dbt compiled for its last build."""

from vending_platform.lineage.columns import Column, Columns, column_lineage, columns_of

__all__ = ["Column", "Columns", "column_lineage", "columns_of"]
