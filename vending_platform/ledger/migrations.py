"""How a ledger that an earlier version of the platform has written becomes one that this version works with.

`MIGRATIONS` holds, by the version that it starts from, what makes the next one of it. A migration changes tables of the
ledger and nothing else, and can be repeated after an interruption: see `Alterations`. A table or a column that is only
new needs none, as every run adds what is missing.
"""

import logging
from collections.abc import Callable, Mapping

import pyarrow as pa

from vending_platform.ledger.files import FILES
from vending_platform.ledger.version import (
    LEDGER_VERSION,
    LEDGER_VERSION_SCHEMA,
    WITHOUT_NUMBER,
    LedgerVersionError,
    note_version,
    read_version,
    written_version,
)
from vending_platform.warehouse import Alterations, Reader, TableName, Writer

_log = logging.getLogger(__name__)
Migration = Callable[[Alterations], None]


def _name_the_sender(tables: Alterations) -> None:
    """To version 2: who sent a file is called as in the contracts."""
    tables.rename_column(FILES, "machine", "sender")


MIGRATIONS: Mapping[int, Migration] = {1: _name_the_sender}
_REBUILD = (
    "or move the warehouse away and let `vending run` build it again from the deliveries"
    " (docs/operating.md, *A damaged warehouse*)"
)


def current_version() -> int:
    """The version that this code reads and writes."""
    return max(MIGRATIONS, default=WITHOUT_NUMBER - 1) + 1


def _nothing() -> None:
    """For a caller whose work does not go on from its crash points."""


def prepare_ledger(
    writer: Writer, tables: Mapping[TableName, pa.Schema], on_commit: Callable[[], None] = _nothing
) -> None:
    """The ledger has the form that this code works with, and these tables are there.

    Every run that writes begins with it. `on_commit` is called after each lasting effect but the last. A
    `LedgerVersionError` says what to do where that can't be; nothing has changed then.
    """
    known, current = read_version(writer), current_version()
    _check(known)
    if written_version(writer) is None:
        writer.ensure_tables({LEDGER_VERSION: LEDGER_VERSION_SCHEMA})
        on_commit()
        writer.publish([note_version(None, known or current)], lambda _: None)
        on_commit()
    for version in range(known or current, current):
        with writer.altering() as alterations:
            MIGRATIONS[version](alterations)
            alterations.change_rows([note_version(version, version + 1)])
        on_commit()
        _log.info("The ledger's tables were carried over from version %d to version %d", version, version + 1)
    if tables:
        writer.ensure_tables(tables)


def is_current(reader: Reader) -> bool:
    """Whether this code can read the ledger as it is. A `LedgerVersionError` where it never will."""
    known = read_version(reader)
    _check(known)
    return known in (None, current_version())


def _check(known: int | None) -> None:
    current, oldest = current_version(), min(MIGRATIONS, default=WITHOUT_NUMBER)
    if known is not None and known > current:
        raise LedgerVersionError(
            f"the warehouse was last written by a newer version of the platform (its ledger has version {known}, and"
            f" this code knows version {current}): use that version of the platform, {_REBUILD}"
        )
    if known is not None and known < oldest:
        raise LedgerVersionError(
            f"the warehouse was last written by a version of the platform that is too old (its ledger has version"
            f" {known}, and this code carries over from version {oldest} on): let a version in between run once,"
            f" {_REBUILD}"
        )
