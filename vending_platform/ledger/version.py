"""`raw._ledger_version`: which form the ledger's tables have in a warehouse."""

from datetime import UTC, datetime

import pyarrow as pa

from vending_platform.errors import ConfigurationError
from vending_platform.ledger.builds import BUILDS
from vending_platform.ledger.files import FILES
from vending_platform.ledger.unrecorded import UNRECORDED
from vending_platform.warehouse import Change, Reader, TableName

LEDGER_VERSION = TableName("raw", "_ledger_version")
LEDGER_VERSION_SCHEMA = pa.schema([("version", pa.int64()), ("carried_over_at", pa.timestamp("us", "UTC"))])
WITHOUT_NUMBER = 1
"""The form of the tables of a warehouse that has no `raw._ledger_version`: it is older than that table."""
_MADE_FIRST = (FILES, BUILDS, UNRECORDED)
"""By ingestion, by transformation and by the history of quality: without any of these there is no ledger."""


class LedgerVersionError(ConfigurationError):
    """This code can't work with the ledger's tables as they are."""


def written_version(reader: Reader) -> int | None:
    if not reader.has_table(LEDGER_VERSION):
        return None
    version: int | None = reader.query(f"select max(version) as version from {LEDGER_VERSION}")["version"][0].as_py()
    return version


def read_version(reader: Reader) -> int | None:
    """The version of the tables that are there; None if there are none yet."""
    if (written := written_version(reader)) is not None:
        return written
    return WITHOUT_NUMBER if any(map(reader.has_table, _MADE_FIRST)) else None


def note_version(before: int | None, version: int) -> Change:
    row = pa.table([[version], [datetime.now(UTC)]], LEDGER_VERSION_SCHEMA)
    gone = pa.table({"version": pa.array([] if before is None else [before], pa.int64())})
    return Change(LEDGER_VERSION, delete=gone, insert=row)
