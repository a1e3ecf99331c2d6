"""One connection to the file: queries, and changes in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from vending_platform.warehouse.interface import Change, PublishStep, TableName, WarehouseError


class Connection:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str) -> pa.Table:
        return self._connection.sql(sql).to_arrow_table()

    def unloaded(self, sql: str) -> pa.Table:
        return self.query(sql)

    def has_table(self, table: TableName) -> bool:
        found = self._connection.execute(
            "select 1 from duckdb_tables() where schema_name = $1 and table_name = $2"
            " union all select 1 from duckdb_views() where schema_name = $1 and view_name = $2",
            [table.schema, table.name],
        )
        return bool(found.fetchall())

    def fingerprint(self, column: str) -> str:
        # md5_number_lower takes four times as long, and 56 bits are as good as 64 here.
        return f"sum(cast(md5_number({column}) >> 72 as bigint))"

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        with self._transaction():
            existing = self._tables()
            for schema in {table.schema for table in tables}:
                self._connection.execute(f'create schema if not exists "{schema}"')
            for table, wanted in tables.items():
                columns = {field.name: _type(field.type) for field in wanted}
                if table not in existing:
                    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                    self._connection.execute(f'create table "{table.schema}"."{table.name}" ({declared})')
                    continue
                for name, kind in columns.items():
                    old = existing[table].get(name)
                    if old is None:
                        self._connection.execute(f'alter table {table} add column "{name}" {kind}')
                    elif old != kind:
                        self._change_type(table, name, old, kind)

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        with self._transaction():
            between(PublishStep.BEGUN)
            self._change(changes, between)
        between(PublishStep.COMMITTED)

    def replace(self, table: TableName, rows: pa.Table) -> None:
        declared = ", ".join(f'"{field.name}" {_type(field.type)}' for field in rows.schema)
        with self._transaction():
            self._connection.execute(f'create schema if not exists "{table.schema}"')
            self._connection.execute(f'create or replace table "{table.schema}"."{table.name}" ({declared})')
            self._insert(table, rows)

    @contextmanager
    def altering(self) -> Iterator["_DuckDBAlterations"]:
        alterations = _DuckDBAlterations(self._connection)
        with self._transaction():
            yield alterations
            self._change(alterations.changes, lambda _: None)

    def _change(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        for change in changes:
            if change.delete is not None and change.delete.num_rows:
                self._delete(change.table, change.delete)
        between(PublishStep.DELETED)
        for change in changes:
            if change.insert is not None:
                self._insert(change.table, change.insert)
        between(PublishStep.INSERTED)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._commit()

    def _commit(self) -> None:
        self._connection.commit()

    def _delete(self, table: TableName, keys: pa.Table) -> None:
        self._connection.register("deleted_keys", keys)
        same = " and ".join(f'kept."{name}" = deleted_keys."{name}"' for name in keys.column_names)
        self._connection.execute(f"delete from {table} as kept using deleted_keys where {same}")
        self._connection.unregister("deleted_keys")

    def _insert(self, table: TableName, rows: pa.Table | pa.RecordBatchReader) -> None:
        if isinstance(rows, pa.Table):
            rows = rows.combine_chunks()  # DuckDB's threads share one large chunk, but not many small ones
        self._connection.register("inserted_rows", rows)
        self._connection.execute(f"insert into {table} by name select * from inserted_rows")
        self._connection.unregister("inserted_rows")

    def _tables(self) -> dict[TableName, dict[str, str]]:
        found = self._connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where not internal order by column_index"
        )
        tables: dict[TableName, dict[str, str]] = {}
        for schema, table, column, kind in found.fetchall():
            tables.setdefault(TableName(schema, table), {})[column] = kind
        return tables

    def _change_type(self, table: TableName, name: str, old: str, new: str) -> None:
        """A column takes a new type only if every value in it survives the cast to it and back."""
        converted = f'try_cast("{name}" as {new})'
        survives = f'try_cast({converted} as {old}) is not distinct from "{name}"'
        ((lost,),) = self._connection.execute(f"select count(*) from {table} where not ({survives})").fetchall()
        if lost:
            raise WarehouseError(
                f"column {name} of {table.schema}.{table.name} is {old} and should become {new},"
                f" but {lost} of its values would change"
            )
        self._connection.execute(f'alter table {table} alter column "{name}" type {new} using {converted}')


class _DuckDBAlterations(Connection):
    """Inside of a transaction; `changes` are rows that change at its end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self.changes: list[Change] = []

    def rename_column(self, table: TableName, old: str, new: str) -> None:
        columns = self._tables().get(table, {})
        if old in columns and new not in columns:
            self._connection.execute(f'alter table {table} rename column "{old}" to "{new}"')

    def change_rows(self, changes: Sequence[Change]) -> None:
        self.changes += changes


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_decimal(arrow):
        return f"DECIMAL({arrow.precision},{arrow.scale})"
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMP WITH TIME ZONE" if arrow.tz else "TIMESTAMP"
    return {
        pa.string(): "VARCHAR",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
    }[arrow]
