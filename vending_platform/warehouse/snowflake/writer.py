"""What a connection to Snowflake reads, and how it publishes changes in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.interface import Change, PublishStep, TableName, WarehouseMoved
from vending_platform.warehouse.snowflake.lease import SnowflakeLease
from vending_platform.warehouse.snowflake.publication import Publication
from vending_platform.warehouse.snowflake.session import Session
from vending_platform.warehouse.snowflake.setup import PUBLICATIONS
from vending_platform.warehouse.snowflake.stage import FOLDER, copy_into, unload
from vending_platform.warehouse.snowflake.tables import ensure_tables, rename_column


class SnowflakeReader:
    def __init__(self, session: Session, batches: Batches) -> None:
        self._session = session
        self._batches = batches

    def query(self, sql: str) -> pa.Table:
        return self._session.query(sql)

    def unloaded(self, sql: str) -> pa.Table:
        return unload(self._session, self._batches, sql)

    def has_table(self, table: TableName) -> bool:
        found = self._session.query(
            "select 1 as found from information_schema.tables"
            f" where table_schema = '{table.schema.upper()}' and table_name = '{table.name.upper()}'"
        )
        return bool(found.num_rows)

    def fingerprint(self, column: str) -> str:
        return f"sum(cast(md5_number_lower64({column}) as number(38, 0)))"


class SnowflakeWriter(SnowflakeReader):
    def __init__(self, session: Session, batches: Batches, lease: SnowflakeLease, orphaned_after: timedelta) -> None:
        super().__init__(session, batches)
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._has_swept = False
        ((self._number,),) = (row.values() for row in self.query(f"select number from {PUBLICATIONS}").to_pylist())

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        ensure_tables(self._session, tables)

    @contextmanager
    def altering(self) -> "Iterator[_SnowflakeAlterations]":
        alterations = _SnowflakeAlterations(self._session, self._batches, self._lease)
        yield alterations
        if alterations.changes:
            self.publish(alterations.changes, lambda _: None)

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        self._sweep()
        publication = Publication(self._session, self._batches)
        try:
            deleted = [
                (change.table, publication.condition(change.delete))
                for change in changes
                if change.delete is not None and change.delete.num_rows
            ]
            inserted = [
                (change.table, file)
                for change in changes
                if change.insert is not None and (file := publication.write(change.insert)) is not None
            ]
            with self._transaction():
                between(PublishStep.BEGUN)
                for table, condition in deleted:
                    self._session.run(f"delete from {table} where {condition}")
                between(PublishStep.DELETED)
                for table, file in inserted:
                    self._session.run(copy_into(table, file))
                between(PublishStep.INSERTED)
            between(PublishStep.COMMITTED)
        finally:
            publication.remove()

    def replace(self, table: TableName, rows: pa.Table) -> None:
        if not self.has_table(table):
            self.ensure_tables({table: rows.schema})
        publication = Publication(self._session, self._batches)
        try:
            new_rows = publication.temporary(rows)
            self._lease.ensure()
            # One statement is a transaction of its own, as all DDL is here.
            self._session.run(f"create or replace table {table} copy grants as select * from {new_rows}")
        finally:
            publication.remove()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """The update locks the number until the end: a second writer that publishes at the same time waits here, and
        then finds another number."""
        self._lease.ensure()
        self._session.run("begin")
        try:
            if not self._session.run(f"update {PUBLICATIONS} set number = number + 1 where number = {self._number}"):
                raise WarehouseMoved("another process has published since this run read the state of the warehouse")
            yield
            self._session.run("commit")
        except BaseException:
            self._session.run("rollback")
            raise
        self._number += 1

    def _sweep(self) -> None:
        """Delete what crashed publications left behind, once it is too old to be of a running one."""
        if self._has_swept:
            return
        oldest = datetime.now(UTC) - self._orphaned_after
        for file in list(self._batches.files(FOLDER)):
            if file.modified_at <= oldest:
                self._batches.delete(file.path)
        self._has_swept = True


class _SnowflakeAlterations(SnowflakeReader):
    """Snowflake commits each of them by itself; `changes` are rows that change after them."""

    def __init__(self, session: Session, batches: Batches, lease: SnowflakeLease) -> None:
        super().__init__(session, batches)
        self._lease = lease
        self.changes: list[Change] = []

    def rename_column(self, table: TableName, old: str, new: str) -> None:
        self._lease.ensure()
        rename_column(self._session, table, old, new)

    def change_rows(self, changes: Sequence[Change]) -> None:
        self.changes += changes
