"""What a person must know of, from what the warehouse holds anyway. Pure, without a memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from vending_platform.alerts import Problem, ProblemKind
from vending_platform.catalog import last_day_of, period_of
from vending_platform.ingestion import DeliveryStatus, overdue, refused, titled
from vending_platform.ledger import REJECTED_ROWS_TABLE
from vending_platform.orchestration.due import Due
from vending_platform.orchestration.run_problems import Links
from vending_platform.orchestration.steps import BUILD, DAILY
from vending_platform.transformation import BlockedDay, Work

_SHOWN = 5
_HOW_TO_FIX_IT = "Have it delivered again under the same name; or fix its contract and run `vending replay`."


@dataclass(frozen=True)
class Seen:
    """What the warehouse held at one look."""

    status: DeliveryStatus
    stale: Mapping[date, frozenset[str]]
    blocked: Sequence[BlockedDay]
    verdicts: Mapping[tuple[str, date | None], bool]
    changed: Mapping[date | None, datetime]
    code_changes: Sequence[Work] = ()
    """What older code has built, and a person has to have built again."""


def problems(seen: Seen, due: Due, schemas: Mapping[str, str], links: Links) -> Iterator[Problem]:
    """Everything that is wrong in the warehouse; `schemas` has the schema of each model."""
    yield from _missing(seen.status, due, links)
    yield from _packages(seen.status, links)
    yield from _unusable(seen.status, links)
    yield from _blocked(seen.blocked, links)
    yield from _failed_checks(seen, schemas, links)
    yield from _late(seen, due, links)
    yield from _out_of_date(seen, due, links)
    yield from _code_changes(seen.code_changes, links)


def _missing(status: DeliveryStatus, due: Due, links: Links) -> Iterator[Problem]:
    """A delivery is missing from its hour on: until then it may still come."""
    overdue = [
        row for row in status.missing if due.delivered is None or last_day_of(row["business_day"]) <= due.delivered
    ]
    for source, rows in _by(overdue, "source"):
        rows.sort(key=lambda row: row["business_day"], reverse=True)
        sender = status.sender_names.get(source, "sender")
        days = [
            f"{day} {sender} {_some([row['sender'] for row in group])}"
            for day, group in groupby(rows, lambda row: row["business_day"])
        ]
        yield Problem(
            ProblemKind.MISSING,
            source,
            what=f"Deliveries of {source} are missing",
            where=_some(days, "; "),
            what_to_do="Ask the senders what became of them. A late file is loaded whenever it comes.",
            link=links.asset("raw", source),
            count=len(rows),
            unit=f"{sender} {_period(rows)}",
        )


def _packages(status: DeliveryStatus, links: Links) -> Iterator[Problem]:
    """Each by itself: what is wrong with one has nothing to do with another, and ends by itself."""
    for kind, what, found, what_to_do in (
        (
            ProblemKind.INCOMPLETE,
            "is not complete, and should be by now",
            overdue(status.packages),
            "Ask the sender for what is missing; it is loaded as soon as all of it is there.",
        ),
        (
            ProblemKind.REFUSED,
            "is refused; what was loaded of it before stays",
            refused(status.packages),
            "See all that is wrong with `vending check FOLDER`, and have a right package delivered, with a higher"
            " revision if one was loaded before.",
        ),
    ):
        for one in found:
            yield Problem(
                kind,
                f"{one['package']} {one['sender']} {one['period']}",
                what=f"{one['package']} of {one['sender_name']} {one['sender']} for {one['period']} {what}",
                where=titled(one),
                why=str(one["reason"]),
                what_to_do=what_to_do,
                link=links.asset("deliveries"),
                since=datetime.fromisoformat(str(one["since"])),
                unit="package",
            )


def _period(rows: Sequence[Mapping[str, str]]) -> str:
    """Of a source all are days, or all are months."""
    return "day" if period_of(rows[0]["business_day"]).isoformat() == rows[0]["business_day"] else "month"


def _unusable(status: DeliveryStatus, links: Links) -> Iterator[Problem]:
    for source, rows in _by(status.quarantined, "source"):
        files = [f"{row['path']} ({row['reason']})" for row in rows]
        yield Problem(
            ProblemKind.QUARANTINE,
            source,
            what=f"Files of {source} are in quarantine",
            where=_some(files, "; "),
            what_to_do=_HOW_TO_FIX_IT,
            link=links.asset("raw", source),
            count=len(rows),
            unit="file",
        )
    for source, counts in status.rows.items():
        if counts["rejected"]:
            yield Problem(
                ProblemKind.REJECTED,
                source,
                what=f"Rows of {source} were rejected; the others are loaded",
                where=f"{REJECTED_ROWS_TABLE}, source {source}: each with file, line and reason",
                what_to_do=_HOW_TO_FIX_IT,
                link=links.asset("raw", source),
                count=counts["rejected"],
                unit="row",
            )
    if status.undeclared:
        yield Problem(
            ProblemKind.UNDECLARED,
            "raw storage",
            what="Files of no declared kind are not loaded",
            where=_some([row["path"] for row in status.undeclared]),
            what_to_do="Rename or remove them, or declare a source for them (docs/adding-a-source.md).",
            link=links.asset("deliveries"),
            count=len(status.undeclared),
            unit="file",
        )


def _blocked(blocked: Sequence[BlockedDay], links: Links) -> Iterator[Problem]:
    for source, group in groupby(sorted(blocked, key=lambda block: block.source), lambda block: block.source):
        blocks = list(group)
        waiting_days = [f"{block.business_date or 'all days'}, because {block.reason}" for block in blocks]
        yield Problem(
            ProblemKind.BLOCKED,
            source,
            what=f"Days of {source} wait, and nothing is built on them",
            where=_some(waiting_days, "; "),
            what_to_do=f"{_HOW_TO_FIX_IT} The next run builds the day once enough of it can be used; until then its"
            " marts and exports stay as they were.",
            link=links.asset("raw", source),
            count=len(blocks),
            unit="day",
        )


def _failed_checks(seen: Seen, schemas: Mapping[str, str], links: Links) -> Iterator[Problem]:
    doubted = sorted((model, str(day or "as a whole")) for (model, day), passed in seen.verdicts.items() if not passed)
    for model, group in groupby(doubted, lambda build: build[0]):
        days = [day for _, day in group]
        schema = schemas.get(model, "")
        yield Problem(
            ProblemKind.CHECK,
            model,
            what=f"A blocking check of {model} fails",
            where=f"{schema}/{model}: {_some(days[::-1])}",
            what_to_do="See the asset's checks for which one, and for how many rows. Fix the deliveries or the model;"
            " every run builds and checks it again. Until then the exports stay as they were.",
            link=links.asset(schema, model),
            count=len(days),
            unit="build",
        )


def _late(seen: Seen, due: Due, links: Links) -> Iterator[Problem]:
    """The day that is due by now, and is not there whole."""
    if (day := due.built) is None:
        return
    is_there = any(built == day and is_good for (_, built), is_good in seen.verdicts.items())
    if is_there and day not in seen.stale:
        return
    waits = [f"{block.source}: {block.reason}" for block in seen.blocked if block.business_date in (day, None)]
    if day not in seen.stale:
        why = "nothing of it was delivered"
    elif waits:
        why = "its deliveries can't be trusted: " + _some(waits, "; ")
    else:
        why = f"not up to date are {_some(sorted(seen.stale[day]))}"
    yield Problem(
        ProblemKind.MARTS,
        "marts",
        what="The marts are not there by their hour",
        where=f"business day {day}",
        why=why,
        what_to_do="See whether `ingest` and `daily` ran, and how they ended. Fix that, and start `daily`.",
        link=links.runs,
        unit="day",
    )


def _out_of_date(seen: Seen, due: Due, links: Links) -> Iterator[Problem]:
    """Earlier days whose marts differ from the deliveries, although these were there in time to be built. A
    late file makes its day stale until the next transformation, and that is as it should be."""
    if due.built is None or due.begun_at is None:
        return
    others = seen.changed.get(None)
    days = [
        day
        for day in sorted(seen.stale, reverse=True)
        if day < due.built and all(at is None or at < due.begun_at for at in (seen.changed.get(day), others))
    ]
    if days:
        yield Problem(
            ProblemKind.FRESHNESS,
            "marts",
            what="The marts of earlier days are older than their deliveries",
            where=f"{_some([str(day) for day in days])}: "
            + _some(sorted({name for day in days for name in seen.stale[day]})),
            what_to_do="See why `daily` did not build them (a failed check, a block, no run at all); start it again.",
            link=links.runs,
            count=len(days),
            unit="day",
        )


def _code_changes(changes: Sequence[Work], links: Links) -> Iterator[Problem]:
    models = list(dict.fromkeys(name for work in changes for name in work.models))
    if models:
        yield Problem(
            ProblemKind.CODE,
            "marts",
            what="Rows that older code has built wait for a person to have them built again",
            where=_some([str(work) for work in changes], "; "),
            what_to_do=f"At a good hour start `{DAILY}` with skip_code_changes: false in the config of its step"
            f" {BUILD}, or run `vending run`. New days are built by the new code meanwhile.",
            link=links.runs,
            count=len(models),
            unit="model",
        )


def _by(rows: Iterable[dict[str, str]], column: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for value, group in groupby(sorted(rows, key=lambda row: row[column]), lambda row: row[column]):
        yield value, list(group)


def _some(things: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(things) - _SHOWN:,} more" if len(things) > _SHOWN else ""
    return between.join(things[:_SHOWN]) + more
