"""Files of one business day arrive over some minutes: they are gathered, so that they become one run. Pure.

A day is ripe when nothing came for a while, or when the first has waited long enough. While a run for a day is under
way the files that came since wait: that run may have read them, or not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vending_platform.arrivals.run_requests import Request, plan_requests, spans
from vending_platform.arrivals.s3_events import ArrivedFile
from vending_platform.catalog import Catalog
from vending_platform.ingestion import Pending, discover
from vending_platform.storage import StoredFile

QUIET = timedelta(minutes=2)
LONGEST_WAIT = timedelta(minutes=15)
_UNDECLARED = "undeclared files"
_SHOWN = 10


@dataclass(frozen=True)
class Wait:
    """Why the files of a day are not loaded yet, and when they are at the latest, where that is known."""

    why: str
    at_the_latest: datetime | None = None


@dataclass(frozen=True)
class Gathered:
    """One run that should be requested, and the files it is about."""

    request: Request
    notices: tuple[ArrivedFile, ...]


def gather(
    catalog: Catalog, notices: Iterable[ArrivedFile], under_way: Sequence[Request], now: datetime
) -> tuple[list[Gathered], list[str]]:
    """Which files are ripe for a run, and why the others wait."""
    days: dict[date | None, list[tuple[str, ArrivedFile]]] = {}
    for source, day, notice in _sorted_out(catalog, notices, now):
        days.setdefault(day, []).append((source, notice))
    waiting: dict[str, dict[date | None, Wait]] = {}
    pending = Pending({}, unchanged=0)
    for day, arrived in days.items():
        wait = _why_not_yet(day, [notice.sent_at for _, notice in arrived], under_way, now)
        if wait is not None:
            waiting.setdefault(wait.why, {})[day] = wait
            continue
        for source in {source for source, _ in arrived}:
            paths = {notice.path for name, notice in arrived if name == source}
            pending.files.setdefault(source, {})[day] = len(paths)
    ripe = [
        Gathered(request, tuple(notice for day in days if request.takes(day) for _, notice in days[day]))
        for request in plan_requests(pending)
    ]
    return ripe, list(_told(waiting))


def _sorted_out(
    catalog: Catalog, notices: Iterable[ArrivedFile], now: datetime
) -> Iterable[tuple[str, date | None, ArrivedFile]]:
    """Source and day of each. A file of no declared kind has no day: a run has to put it on record."""
    of_path: dict[str, list[ArrivedFile]] = {}
    for notice in notices:
        of_path.setdefault(notice.path, []).append(notice)
    files = [StoredFile(path, few[0].size, few[0].etag, few[0].sent_at) for path, few in of_path.items()]
    discovery = discover(catalog, files, now)
    for delivered in discovery.delivered:
        day = delivered.parts.business_date if delivered.source.is_dated else None
        yield from ((delivered.source.name, day, notice) for notice in of_path[delivered.file.path])
    for manifest in discovery.manifests:
        day, of_package = manifest.parts.business_date, next(iter(manifest.package.sources.values()))
        yield from ((of_package.name, day, notice) for notice in of_path[manifest.file.path])
    for undeclared in discovery.undeclared:
        yield from ((_UNDECLARED, None, notice) for notice in of_path[undeclared.file.path])


def _why_not_yet(
    day: date | None, sent: Sequence[datetime], under_way: Sequence[Request], now: datetime
) -> Wait | None:
    if any(request.takes(day) for request in under_way):
        return Wait("a run for it is under way, and the files that came since wait for its end")
    # A moment that lies far ahead comes from a wrong clock, and must not keep a file waiting for it.
    believable = [moment for moment in sent if moment <= now + LONGEST_WAIT]
    if not believable:
        return None
    quiet, at_the_latest = max(believable) + QUIET, min(believable) + LONGEST_WAIT
    if now >= min(quiet, at_the_latest):
        return None
    return Wait(f"still arriving; loaded after {QUIET.seconds // 60} minutes without a file", at_the_latest)


def _told(waiting: dict[str, dict[date | None, Wait]]) -> Iterable[str]:
    """Days that follow each other as one, although each may have its own last moment: then the last of these."""
    lines = []
    for waits in waiting.values():
        if (undated := waits.get(None)) is not None:
            lines.append(_line("files without a day", [undated]))
        lines += [
            _line(f"{span[0]}..{span[-1]}", [waits[day] for day in span])
            for span in spans(day for day in waits if day is not None)
        ]
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"and {len(lines) - _SHOWN} more that wait"


def _line(what: str, waits: Sequence[Wait]) -> str:
    latest = max((wait.at_the_latest for wait in waits if wait.at_the_latest), default=None)
    return f"{what}: {waits[0].why}" + (f", at {latest:%H:%M:%S} UTC at the latest" if latest else "")
