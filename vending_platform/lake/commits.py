"""Commits: what a writer changes is visible whole or not at all, and no change of another writer is lost.

A commit takes the place of the version that it was computed from, or fails. Then it is computed again from the version
that is there now. One whose answer was lost is recognized by its mark, and not made twice.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot
from sqlalchemy.exc import OperationalError

from vending_platform.lake.errors import LakeConflict, LakeUnavailable
from vending_platform.lake.opening import Lake
from vending_platform.warehouse import TableName

MARK = "vending.commit"
_ATTEMPTS = 20
_WAIT_SECONDS = 0.05
_LONGEST_WAIT = 2.0
Undo = Callable[[], None]
Stage = Callable[[Table, Transaction, dict[str, str]], Undo]
"""Puts a change of the table as it is now into the transaction, with these properties for its snapshot. What it returns
is called if the commit has failed, and removes what was written for it."""


def commit(lake: Lake, name: TableName, stage: Stage, properties: Mapping[str, str] | None = None) -> Snapshot | None:
    """The current snapshot with the change in it; None for a table without rows so far."""
    mark = uuid.uuid4().hex
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0.5, 1) * min(_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT))
        table = lake.load(name)
        if any(_mark_of(snapshot) == mark for snapshot in table.snapshots()):
            return table.current_snapshot()
        transaction = table.transaction()
        undo = stage(table, transaction, {**(properties or {}), MARK: mark})
        try:
            return transaction.commit_transaction().current_snapshot()
        except (CommitFailedException, ValidationException):
            undo()
        except OperationalError as error:
            if attempt == _ATTEMPTS - 1:
                raise LakeUnavailable(f"the lake's catalog can't be written ({error.orig}): run again later") from error
    raise LakeConflict(f"{name.plain} was changed by others {_ATTEMPTS} times while this was written: run again later")


def _mark_of(snapshot: Snapshot) -> str | None:
    return snapshot.summary.additional_properties.get(MARK) if snapshot.summary is not None else None
