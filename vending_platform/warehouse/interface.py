"""The protocol: what every warehouse promises, in terms of Arrow tables.

One rule for names in SQL, so that the same SQL means the same everywhere: a name stands as it is where it is plain, or
quoted and in upper case (`TableName`, `quoted`). DuckDB looks at no name's case; Snowflake takes a plain name for its
upper case, as dbt's models are written there. Results have their columns' names in lower case.
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
"""What the text about deliveries is called that everybody may read."""
_MOMENT = pa.timestamp("us", "UTC")


class WarehouseError(Unavailable):
    """The warehouse refuses; the message says what to do."""


class WarehouseBusy(WarehouseError):
    """Someone is writing, and this warehouse lets nobody look meanwhile; see `Warehouse.last_status`."""


class WarehouseMoved(WarehouseError):
    """Somebody else has published since this writer began to read: nothing has changed, and its plan is out of date."""


class PublishStep(StrEnum):
    """Where a publication can be interrupted; whatever is lost at any of them, the tables are as before or as after."""

    BEGUN = "begun"
    DELETED = "deleted"
    INSERTED = "inserted"
    COMMITTED = "committed"


@dataclass(frozen=True)
class TableName:
    schema: str
    name: str

    def __str__(self) -> str:
        """As SQL names it; no word is a keyword there."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def quoted(name: str) -> str:
    """A column, table or schema as SQL names it."""
    return '"' + name.upper().replace('"', '""') + '"'


def literal(value: str | int | date) -> str:
    """A value as SQL writes it. Only Snowflake takes a backslash in a text for the beginning of something else."""
    match value:
        case str():
            return " || chr(92) || ".join("'" + part.replace("'", "''") + "'" for part in value.split("\\"))
        case date():
            return f"date '{value.isoformat()}'"
        case int():
            return str(value)


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """As `to_pylist`, which takes a hundred times as long for days and moments."""
    if column.type == _MOMENT:
        return [moment and moment.replace(tzinfo=UTC) for moment in column.to_numpy().tolist()]
    if pa.types.is_date(column.type):
        return list(column.to_numpy().tolist())
    return list(column.to_pylist())


@dataclass(frozen=True)
class Change:
    """First the rows of `table` that equal a row of `delete` in all its columns go, then `insert` comes (by name)."""

    table: TableName
    delete: pa.Table | None = None
    insert: pa.Table | pa.RecordBatchReader | None = None


class Reader(Protocol):
    def query(self, sql: str) -> pa.Table:
        """The result of a portable SELECT, with its columns' names in lower case."""

    def unloaded(self, sql: str) -> pa.Table:
        """As `query`, in no order, for many rows at once: a warehouse that writes files itself sends them as such."""

    def has_table(self, table: TableName) -> bool:
        """Whether there is a table or a view of this name."""

    def fingerprint(self, column: str) -> str:
        """An aggregate for `query`: a number that tells which texts, no two of them equal, are in the column, whatever
        their order. Of two sets that share none it is the sum."""


class Writer(Reader, Protocol):
    """Holds the right to write until it is closed."""

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        """Afterwards every table has at least these columns with these types.

        No row and no value is lost, or it is a `WarehouseError` that says which column can't take its new type, and
        nothing has changed.
        """

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        """All the changes in one transaction. `between` is called at every place where it can be interrupted.

        `WarehouseMoved` where others can publish meanwhile and have done so since this writer was opened.
        """

    def replace(self, table: TableName, rows: pa.Table) -> None:
        """The table has these columns and rows, and nothing else; until then, it is as before."""


class Reservation(Protocol):
    """Nobody else writes while it lasts. Between its writers, other libraries (dbt) may use the warehouse."""

    def writing(self) -> AbstractContextManager[Writer]: ...


class Warehouse(Protocol):
    def reading(self) -> AbstractContextManager[Reader]:
        """A look at the last committed state; `WarehouseBusy` where a writer shuts everybody else out."""

    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Writer]:
        """The right to write. Waits for whoever has it, after telling `on_wait` who that is."""

    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Reservation]:
        """As `writing`, but without a connection of our own being open all the time."""

    def announce_change(self) -> None:
        """From now on, and across a crash, the published status counts as outdated until the next one."""

    def is_status_outdated(self) -> bool: ...

    def publish_status(self, tell: Callable[[], str], about: str = STATUS) -> None:
        """Put a short text where it can be read at any time, also while someone writes. Where everything can be read
        at any time nobody needs it, and `tell` is not asked. There is one text of each kind that is told `about`."""

    def last_status(self, about: str = STATUS) -> str | None:
        """The text that was published last, if any was."""
