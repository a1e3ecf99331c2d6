"""The protocol: what every warehouse promises, in terms of Arrow tables.

One rule for names in SQL makes the same SQL mean the same everywhere: a name is written plain, or quoted and in upper
case (`TableName`, `quoted`). Some warehouses ignore the case of a name; others read a plain name as its upper case, as
dbt's models are written there. Results have their columns' names in lower case.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date
from enum import StrEnum
from typing import Any, Protocol

import pyarrow as pa

from vending_platform.errors import Unavailable

STATUS = "status"
"""The name of the text about deliveries that can be read at any time."""
_MOMENT = pa.timestamp("us", "UTC")


class WarehouseError(Unavailable):
    """The warehouse refuses; the message says what to do."""


class WarehouseBusy(WarehouseError):
    """Another process is writing, and this warehouse lets no one read meanwhile; see `Warehouse.last_status`."""


class WarehouseMoved(WarehouseError):
    """Another process has published since this writer began to read: nothing was changed, and its plan is outdated."""


class PublishStep(StrEnum):
    """Where a publication can be interrupted. Wherever that happens, the tables are as before it or as after it."""

    BEGUN = "begun"
    DELETED = "deleted"
    INSERTED = "inserted"
    COMMITTED = "committed"


@dataclass(frozen=True)
class TableName:
    schema: str
    name: str

    def __str__(self) -> str:
        """As SQL writes it; quoted, no word is a keyword."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def plain(self) -> str:
        """As a person types it."""
        return f"{self.schema}.{self.name}"


def quoted(name: str) -> str:
    """A column, table or schema as SQL writes it."""
    return '"' + name.upper().replace('"', '""') + '"'


def literal(value: str | int | date) -> str:
    """A value as SQL writes it. Some warehouses read a backslash in a text as the beginning of an escape."""
    match value:
        case str():
            return " || chr(92) || ".join("'" + part.replace("'", "''") + "'" for part in value.split("\\"))
        case date():
            return f"date '{value.isoformat()}'"
        case int():
            return str(value)


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """As `to_pylist`, which takes a hundred times as long for dates and timestamps."""
    if column.type == _MOMENT:
        return [moment and moment.replace(tzinfo=UTC) for moment in column.to_numpy().tolist()]
    if pa.types.is_date(column.type):
        return list(column.to_numpy().tolist())
    return list(column.to_pylist())


@dataclass(frozen=True)
class Change:
    """First the rows of `table` that equal a row of `delete` in all its columns are deleted, then the rows of `insert`
    are inserted, column by column of the same name."""

    table: TableName
    delete: pa.Table | None = None
    insert: pa.Table | pa.RecordBatchReader | None = None


class Reader(Protocol):
    def query(self, sql: str) -> pa.Table:
        """The result of a portable SELECT, with its columns' names in lower case."""

    def unloaded(self, sql: str) -> pa.Table:
        """As `query`, in no order, for many rows: a warehouse that can write files sends them as files."""

    def has_table(self, table: TableName) -> bool:
        """Whether there is a table or a view of this name."""

    def fingerprint(self, column: str) -> str:
        """An aggregate for `query`: a number that identifies the set of texts in the column, no two of which are equal,
        in any order. The number of two sets that share no text is the sum of their numbers."""


class Alterations(Reader, Protocol):
    """Tables that are being given another form. An alteration that was made already is passed over, as is one of a
    table that is not there: so what was interrupted can begin again."""

    def rename_column(self, table: TableName, old: str, new: str) -> None: ...

    def change_rows(self, changes: Sequence[Change]) -> None:
        """Once all alterations are made, as `Writer.publish` does."""


class Writer(Reader, Protocol):
    """Has the right to write until it is closed."""

    def altering(self) -> AbstractContextManager[Alterations]:
        """All alterations in one transaction. Where a warehouse commits every change of a table's columns by itself
        (Snowflake), these come one by one, and the changed rows in one transaction after them."""

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        """Afterwards every table has at least these columns with these types.

        No row and no value is lost. Where a column can't take its new type, a `WarehouseError` names it, and nothing
        was changed.
        """

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        """All the changes in one transaction. `between` is called wherever it can be interrupted.

        `WarehouseMoved` if another process has published since this writer was opened.
        """

    def replace(self, table: TableName, rows: pa.Table) -> None:
        """In one step, the table has these columns and rows and nothing else."""


class Reservation(Protocol):
    """No other process writes while it lasts. Between its writers, other libraries (dbt) may use the warehouse."""

    def writing(self) -> AbstractContextManager[Writer]: ...


class Warehouse(Protocol):
    def reading(self) -> AbstractContextManager[Reader]:
        """Reads the last committed state; `WarehouseBusy` where a writer locks out readers."""

    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Writer]:
        """The right to write. Waits for the process that has it, after `on_wait` was called with what that one does."""

    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Reservation]:
        """As `writing`, but without holding a connection open all the time."""

    def announce_change(self) -> None:
        """From now on, and across a crash, the published status counts as outdated until the next one."""

    def is_status_outdated(self) -> bool: ...

    def publish_status(self, text: Callable[[], str], name: str = STATUS) -> None:
        """Put a short text where it can be read at any time, also while a process writes. A warehouse that can be read
        at any time needs none, and does not call `text`. There is one text of each name."""

    def last_status(self, name: str = STATUS) -> str | None:
        """The text of this name that was published last, if there is one."""
