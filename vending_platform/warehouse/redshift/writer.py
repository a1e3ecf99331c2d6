"""What is read from Redshift, and how changes are published in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from vending_platform.warehouse.interface import Change, PublishStep, TableName, WarehouseMoved, quoted
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.exchange import FOLDER, Exchange
from vending_platform.warehouse.redshift.failures import FenceClosed
from vending_platform.warehouse.redshift.lease import RedshiftLease
from vending_platform.warehouse.redshift.publication import PREFIX, SCHEMA, RedshiftPublication
from vending_platform.warehouse.redshift.tables import columns_of, ensure_tables, existing_tables, rename_column

PUBLICATIONS = TableName("raw", "_publications")


class RedshiftReader:
    def __init__(self, api: DataApi, exchange: Exchange) -> None:
        self._api = api
        self._exchange = exchange

    def query(self, sql: str) -> pa.Table:
        return self._api.query(sql)

    def unloaded(self, sql: str) -> pa.Table:
        return self._exchange.unload(self._api, sql)

    def has_table(self, table: TableName) -> bool:
        found = self._api.query(
            "select 1 as found from information_schema.tables where table_schema = :schema and table_name = :name",
            {"schema": table.schema, "name": table.name},
        )
        return bool(found.num_rows)

    def fingerprint(self, column: str) -> str:
        return f"sum(cast(strtol(left(md5({column}), 14), 16) as decimal(38, 0)))"


class RedshiftWriter(RedshiftReader):
    def __init__(self, api: DataApi, exchange: Exchange, lease: RedshiftLease, orphaned_after: timedelta) -> None:
        super().__init__(api, exchange)
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._has_swept = False
        ((self._number,),) = (row.values() for row in self.query(f"select number from {PUBLICATIONS}").to_pylist())

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        self._lease.ensure()
        ensure_tables(self._api, tables)

    @contextmanager
    def altering(self) -> "Iterator[_RedshiftAlterations]":
        alterations = _RedshiftAlterations(self._api, self._exchange, self._lease)
        yield alterations
        if alterations.changes:
            self.publish(alterations.changes, lambda _: None)

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        """The steps before the last one prepare: the Data API gets the whole transaction in one request, and Redshift
        commits it or does nothing."""
        self._sweep()
        publication = RedshiftPublication(self._api, self._exchange)
        try:
            between(PublishStep.BEGUN)
            deletes = [publication.delete(it.table, it.delete) for it in changes if it.delete is not None]
            between(PublishStep.DELETED)
            inserts = [publication.insert(it.table, it.insert) for it in changes if it.insert is not None]
            publication.load()
            between(PublishStep.INSERTED)
            self._commit([it for it in (*deletes, *inserts) if it is not None], publication.parameters)
            between(PublishStep.COMMITTED)
        finally:
            publication.remove()

    def replace(self, table: TableName, rows: pa.Table) -> None:
        wanted = columns_of(rows.schema)
        has = existing_tables(self._api, [table.schema]).get(table)
        if has is None:
            self.ensure_tables({table: rows.schema})
            has = wanted
        publication = RedshiftPublication(self._api, self._exchange)
        try:
            inserted = publication.insert(table, rows)
            publication.load()
            self._commit(
                [
                    f"delete from {table}",
                    *(f"alter table {table} drop column {quoted(it)}" for it in has if has[it] != wanted.get(it)),
                    *(
                        f"alter table {table} add column {quoted(it)} {wanted[it]}"
                        for it in wanted
                        if wanted[it] != has.get(it)
                    ),
                    *([inserted] if inserted else []),
                ],
                {},
            )
        finally:
            publication.remove()

    def _commit(self, statements: Sequence[str], parameters: Mapping[str, str]) -> None:
        """The lock lets one transaction through at a time, and the division fails the whole of it if another one has
        published since this writer read the number."""
        self._lease.ensure()
        fence = (
            f"update {PUBLICATIONS} set number = number + 1 / (case when number = cast(:number as bigint) then 1 else 0"
            " end)"
        )
        try:
            self._api.run_together(
                [f"lock {PUBLICATIONS}", fence, *statements], {"number": str(self._number), **parameters}
            )
        except FenceClosed as error:
            raise WarehouseMoved(
                "another process has published since this run read the state of the warehouse"
            ) from error
        self._number += 1

    def _sweep(self) -> None:
        """Delete what crashed publications left behind, once it is too old to be of a running one."""
        if self._has_swept:
            return
        oldest = datetime.now(UTC) - self._orphaned_after
        for file in list(self._exchange.batches.files(FOLDER)):
            if file.modified_at <= oldest:
                self._exchange.batches.delete(file.path)
        found = self._api.query(
            "select table_name from information_schema.tables where table_schema = :schema", {"schema": SCHEMA}
        )
        newest = f"{PREFIX}{oldest:%Y%m%dt%H%M%S}_"  # a name begins with the time when it was made
        for name in found["table_name"].to_pylist():
            if name.startswith(PREFIX) and name <= newest:
                self._api.run(f"drop table if exists {TableName(SCHEMA, name)}")
        self._has_swept = True


class _RedshiftAlterations(RedshiftReader):
    """Each of them is a transaction of its own; `changes` are rows that change after them."""

    def __init__(self, api: DataApi, exchange: Exchange, lease: RedshiftLease) -> None:
        super().__init__(api, exchange)
        self._lease = lease
        self.changes: list[Change] = []

    def rename_column(self, table: TableName, old: str, new: str) -> None:
        self._lease.ensure()
        rename_column(self._api, table, old, new)

    def change_rows(self, changes: Sequence[Change]) -> None:
        self.changes += changes
