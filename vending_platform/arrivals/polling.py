"""A look at a store that sends no notifications: a bounded piece of its listing at a time, in the paths' order.

Each piece is held against the same stretch of the ledger, so a file is new because no run has read it as it is,
and never because of a time: old, equal and future times hide nothing. Every round goes over every file again, so what
is put where it has been already is found in the next one, and a position that is lost only begins a round again.
"""

import json
import time
from dataclasses import dataclass, replace
from datetime import datetime

from vending_platform import ingestion
from vending_platform.arrivals.crash_points import OnStep, ignore
from vending_platform.arrivals.file_lists import Lists
from vending_platform.arrivals.run_planning import Answer, History, RunState, ask, remember
from vending_platform.arrivals.s3_events import ArrivedFile
from vending_platform.ingestion import IngestionContext
from vending_platform.storage import StoredFile

_LISTING_SECONDS = 25
_PIECE = 10_000
"""Files that are held against the ledger at once."""
_MOST_NEW = 10_000
"""New files in one look: enough work for the runs that it may request."""


@dataclass(frozen=True)
class Position:
    """Where a round stands: behind which path it goes on, and what it has seen so far."""

    after: str = ""
    files: int = 0
    new: int = 0

    def as_cursor(self) -> str:
        return json.dumps({"after": self.after, "files": self.files, "new": self.new}, ensure_ascii=False)


def position_of(cursor: str | None) -> Position:
    """The beginning, where the cursor can't be read."""
    try:
        stored = json.loads(cursor or "{}")
        return Position(str(stored["after"]), int(stored["files"]), int(stored["new"]))
    except (ValueError, KeyError, TypeError):
        return Position()


def look_at_listing(
    context: IngestionContext,
    position: Position,
    lists: Lists,
    history: History,
    now: datetime,
    *,
    seconds: float = _LISTING_SECONDS,
    on_step: OnStep = ignore,
) -> tuple[Answer, Position]:
    """What the next piece of the listing asks for, and where to go on. Always gets one piece further."""
    until = time.monotonic() + seconds
    notices: list[ArrivedFile] = []
    piece: list[StoredFile] = []
    is_round_done = True
    for page in context.storage.raw.pages(position.after):
        piece += page
        if len(piece) < _PIECE and time.monotonic() < until:
            continue
        position = _hold(context, piece, position, notices, now)
        piece = []
        if time.monotonic() >= until or len(notices) >= _MOST_NEW:
            is_round_done = False
            break
    position = _hold(context, piece, position, notices, now)
    known = remember(history, lists, None, now)
    # What is under way, or failed and is requested again by itself, is not requested twice.
    being_read = known.named(RunState.CREATED, RunState.UNDER_WAY, RunState.FAILED)
    pending = [notice for notice in notices if notice.key not in being_read]
    answer = ask(context.catalog, pending, known, lists, now, on_step)
    counts = f"{position.files:,} files, of which {position.new:,} are not loaded as they are"
    log = [
        f"a round is complete: {counts}" if is_round_done else f"in this round so far {counts}, up to {position.after}"
    ]
    if being_loaded := len(notices) - len(pending):
        log.append(
            f"{being_loaded:,} files are with a run that is under way, or that is requested again when it is time"
        )
    return replace(answer, log=tuple(log)), Position() if is_round_done else position


def _hold(
    context: IngestionContext, piece: list[StoredFile], position: Position, notices: list[ArrivedFile], now: datetime
) -> Position:
    """Adds what is new in the piece to `notices`. The position behind it."""
    if not piece:
        return position
    new = [
        ArrivedFile(file.path, file.etag, file.modified_at.isoformat(), file.size, file.modified_at)
        for file in ingestion.unseen(context, piece, now)
    ]
    notices += new
    return Position(piece[-1].path, position.files + len(piece), position.new + len(new))
