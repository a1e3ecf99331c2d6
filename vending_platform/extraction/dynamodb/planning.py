"""Which exports bring the deliveries of a table's sources up to date."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from vending_platform.catalog import Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.extraction.dynamodb.reading import extract_of, item_columns
from vending_platform.extraction.dynamodb.requests import WantedExport
from vending_platform.extraction.interface import ChosenDays
from vending_platform.extraction.notes import Note

LONGEST, SHORTEST = timedelta(hours=24), timedelta(minutes=15)
"""What DynamoDB exports of changes at once."""
REACH = timedelta(days=35)
"""How far back it can."""


@dataclass(frozen=True)
class ExportStep:
    """An export, and the sources that it is for."""

    wanted: WantedExport
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far the deliveries of a source have come."""

    source: Source
    known: Note | None

    @property
    def reached(self) -> datetime | None:
        """All changes before are delivered; None if the whole table has to be."""
        if self.known is None or self.known.watermark is None or self.known.shape != shape_of(self.source):
            return None
        return datetime.fromisoformat(self.known.watermark)


def shape_of(source: Source) -> str:
    """Changes when other attributes, or other items, are wanted: earlier deliveries don't have these."""
    columns = [
        (column.name, column.text_in_header, str(column.type), column.time_zone) for column in item_columns(source)
    ]
    said = json.dumps([columns, extract_of(source).model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def steps(
    progress: Sequence[Progress], moment: datetime, earliest: datetime, pending: WantedExport | None
) -> Iterator[ExportStep]:
    """The whole table for sources that nothing is known of, or whose changes are out of reach; then the changes up to
    `moment`. An export that was asked for before is used if it fits."""
    since = {
        one.source.name: one.reached
        for one in progress
        if one.reached is not None and one.reached >= earliest and _begins(one.reached, moment) >= earliest
    }
    whole = tuple(one.source.name for one in progress if one.source.name not in since)
    if whole:
        wanted = pending if pending is not None and pending.is_full else WantedExport(moment)
        yield ExportStep(wanted, whole)
        since |= dict.fromkeys(whole, wanted.until)
    changed = {name: begin for name, begin in since.items() if begin < moment}
    if not changed:
        return
    begin = min(changed.values())
    if pending is not None and pending.since is not None and pending.since <= begin < pending.until <= moment:
        yield ExportStep(pending, tuple(changed))
        begin = pending.until
    for wanted in windows(begin, moment):
        yield ExportStep(wanted, tuple(changed))


def steps_of_days(
    progress: Sequence[Progress], days: ChosenDays, moment: datetime, earliest: datetime
) -> Iterator[ExportStep]:
    """What was changed on past days, as it was at the end of each."""
    zone = ZoneInfo(BUSINESS_TIME_ZONE)
    first = datetime.combine(days.first, time(), zone)
    end = datetime.combine(days.last + timedelta(days=1), time(), zone)
    for wanted in windows(max(first, earliest), min(end, moment)):
        yield ExportStep(wanted, tuple(one.source.name for one in progress))


def windows(since: datetime, until: datetime) -> Iterator[WantedExport]:
    """Increments without a gap between them. One that would be too short begins earlier, which does no harm."""
    while since < until:
        end = min(since + LONGEST, until)
        yield WantedExport(end, min(since, end - SHORTEST))
        since = end


def _begins(since: datetime, until: datetime) -> datetime:
    """Where the first of the windows begins."""
    return next((wanted.since for wanted in windows(since, until) if wanted.since is not None), since)
