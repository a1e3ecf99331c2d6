"""How results are told to a person at a terminal: what happened, then what needs them, then what to do about it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vending_platform.anonymising import Anonymised
from vending_platform.exporting import Exported
from vending_platform.ingestion import Checked, DeliveryStatus, Summary
from vending_platform.ledger import REJECTED_ROWS_TABLE, FileState
from vending_platform.lineage.provenance import Trace, TracedFile
from vending_platform.quality import Cause, Quality, Score, causes
from vending_platform.status import PlatformStatus
from vending_platform.transformation import BlockedDay, BuildPlan, Transformed, Why, Work

if TYPE_CHECKING:  # only one command needs that room
    from vending_platform.doctor import Diagnosis

SHOWN = 10
"""How many things of one kind are listed before the rest is only counted."""
TRACED = 100
"""The same of files that a number comes from."""


def tell_summary(summary: Summary) -> RenderableType:
    """What a run of `ingest` or `replay` did."""
    lines: list[RenderableType] = []
    if summary.loaded:
        table = _table("source", "files", "corrected", "rows accepted", "rows rejected")
        for source in sorted({version.source for version in summary.loaded}):
            versions = [version for version in summary.loaded if version.source == source]
            table.add_row(
                source,
                _number(len(versions)),
                _number(sum(version.file_id in summary.corrected for version in versions)),
                _number(sum(version.rows_accepted for version in versions)),
                _number(sum(version.rows_rejected for version in versions)),
            )
        lines += [Text(f"Loaded {_count(len(summary.loaded), 'file')}", style="bold"), table]
    else:
        lines.append(Text("Nothing was loaded." if summary.quarantined else "Nothing new to load.", style="bold"))
    if summary.unchanged:
        lines.append(f"{_count(summary.unchanged, 'file')} unchanged since last time.")
    if summary.same_again:
        lines.append(f"{_count(len(summary.same_again), 'file')} delivered again with the same content: nothing to do.")
    if archived := [version for version in summary.gone if version.state is FileState.ARCHIVED]:
        lines.append(f"{_count(len(archived), 'file')} archived by now; the rows stay.")
    if summary.withdrawn:
        lines.append(f"{_count(len(summary.withdrawn), 'file')} withdrawn: the rows are out of raw.")
    lines += _problems(
        [
            (
                "In quarantine, because the whole file can't be used",
                [f"{version.path}: {version.reason}" for version in summary.quarantined],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            ),
            (
                "Loaded, but some rows were rejected",
                [f"{v.path}: {_count(v.rows_rejected, 'row')}" for v in summary.loaded if v.rows_rejected],
                "See which and why: vending check FILE",
            ),
            (
                "Loaded, but not as the contract says",
                [f"{version.path}: {version.drift}" for version in summary.loaded if version.drift],
                "Declare the new column in the source's YAML, or ask whoever changed the file",
            ),
            (
                "The same bytes as another file: each of the rows counts once",
                [f"{path}: as {other}" for path, other in summary.copies],
                "Remove one of them; or say duplicates: keep in the contract, if each file counts by itself",
            ),
            (
                "Could not be read this time; the next run tries again",
                [f"{path}: {reason}" for path, reason in summary.unreadable],
                None,
            ),
            (
                "Gone, although not old enough to be archived; the rows stay",
                [version.path for version in summary.gone if version.state is FileState.WITHDRAWN],
                "If they are meant to be gone: vending ingest --withdraw",
            ),
            (
                "Left alone",
                [f"{source}: {why}" for source, why in summary.blocked.items()],
                None,
            ),
            (
                "Should be read again, but the bytes are nowhere any more",
                [version.path for version in summary.not_replayable],
                "Have them delivered again",
            ),
            (
                "Nobody declared",
                [f"{file.path}: {file.reason}" for file in summary.undeclared],
                "Rename or remove them, or declare a source for them: docs/adding-a-source.md",
            ),
        ]
    )
    return Group(*lines)


def tell_status(now: PlatformStatus) -> RenderableType:
    status = now.deliveries
    lines: list[RenderableType] = []
    if now.is_being_written:
        lines.append(Text(f"A load is under way; this is what was true at {status.as_of}.", style="yellow"))
    lines.append(
        Text("Files: " + ", ".join(f"{_number(n)} {state}" for state, n in status.files.items()), style="bold")
    )
    if status.rows:
        table = _table("source", "rows accepted", "rows rejected")
        for source, counts in status.rows.items():
            table.add_row(source, _number(counts["accepted"]), _number(counts["rejected"]))
        lines.append(table)
    if now.stale:
        days = list(now.stale)
        span = f"{days[0]} to {days[-1]}" if len(days) > 1 else f"{days[0]}"
        lines.append(f"{_count(len(days), 'business day')} to build anew ({span}): vending run")
    lines += _code_changes(now.code_changes)
    if now.exports:
        for name in dict.fromkeys(name for name, _ in now.exports):
            parts = [part for export, part in now.exports if export == name]
            rows = _count(sum(part.rows for part in parts), "row")
            lines.append(f"{now.exports_place}/{name}/: {_count(len(parts), 'file')}, {rows}")
    rejecting = {source: counts["rejected"] for source, counts in status.rows.items() if counts["rejected"]}
    lines += _problems(
        [
            (
                "No current delivery of a master that everything needs",
                status.required_but_absent,
                "Have it delivered; until then what is built on it can't be trusted",
            ),
            tell_blocks(now.blocked),
            (
                "Exported files that are not as they were written",
                [f"{now.exports_place}/{it.path}: {it.reason}" for it in now.damaged if not it.only_by_hash],
                "The next run writes them again: vending run",
            ),
            (
                "Exported files that were changed, which only --verify finds, as size and time are the same",
                [f"{now.exports_place}/{it.path}" for it in now.damaged if it.only_by_hash],
                "Remove them, and the next run writes them again: vending run",
            ),
            (
                "Could not be read",
                [f"{row['path']}: {row['reason']}" for row in status.unreadable],
                "See to it that it can be; every run tries again",
            ),
            (
                "Missing: due, but nothing came",
                list(_missing_by_sender(status)),
                "Ask the sender; a late file is loaded whenever it comes",
            ),
            (
                "In quarantine",
                [f"{row['path']}: {row['reason']}" for row in status.quarantined],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            ),
            (
                "Rejected rows",
                [f"{source}: {_count(rows, 'row')}" for source, rows in rejecting.items()],
                f"Each with file, line and reason in {REJECTED_ROWS_TABLE}; or: vending check FILE",
            ),
            ("Not as the contract says", [f"{row['path']}: {row['drift']}" for row in status.drifted], None),
            (
                "Gone, the rows still there",
                status.withdrawn,
                "If they are meant to be gone: vending ingest --withdraw",
            ),
            (
                "Delivered by a sender that the master does not know",
                [f"{name} {sender}" for name, senders in status.unknown_senders.items() for sender in senders],
                "Is the master late?",
            ),
            (
                "Read under a contract that has changed since",
                status.read_under_another_contract,
                "Read them again: vending replay",
            ),
            (
                "Rows are there, but no contract any more",
                status.without_a_contract,
                "Give the contract its name back, or drop the table once nobody needs it",
            ),
            ("Nobody declared", [f"{row['path']}: {row['reason']}" for row in status.undeclared], None),
        ]
    )
    return Group(*lines)


def tell_quality(found: Quality | None, *, is_being_written: bool) -> RenderableType:
    """How each dataset stands on its newest day, and what does not pass on that day."""
    lines: list[RenderableType] = []
    if found is not None and is_being_written:
        lines.append(Text(f"A run is under way; this is what was true at {found.as_of}.", style="yellow"))
    if found is None or not found.scores:
        if is_being_written:
            return Text("A run is under way, and none before has recorded anything.")
        return Text("Nothing is recorded about that yet; every run records what its checks found: vending run")
    told = [score for score in found.latest if score.warned or score.failed or score.trend is not None]
    if told:
        heads = ("dataset", "day", "score", "trend", "warn", "failed", "last failure")
        rows = [_standing(score) for score in told]
        table = _table(*heads)
        for column, cells in zip(table.columns, zip(heads, *rows, strict=True), strict=True):
            column.min_width = max(map(len, cells))  # a name that is cut off says nothing
        for score, row in zip(told, rows, strict=True):
            table.add_row(*row, style="bold red" if score.failed else "yellow" if score.warned else "")
        lines.append(table)
    if well := len(found.latest) - len(told):
        lines.append(f"{_count(well, 'dataset')} without business days: every check passed.")
    newest = {score.dataset: score.day for score in found.latest}
    now = [failure for failure in found.failures if newest[failure.dataset] == failure.day]
    before = len(found.failures) - len(now)
    lines += _problems(
        [
            (
                "Not passed on the newest day, the worst first",
                [_tell_cause(cause) for cause in causes(now)],
                "Rows, files and the days before: vending quality --html quality.html",
            )
        ]
    )
    if before:
        lines.append(f"\n{_count(before, 'check')} did not pass on days before.")
    return Group(*lines)


def _tell_cause(cause: Cause) -> str:
    """What is the same in several tables is one line."""
    worst, more = cause.worst, len(cause.datasets) - 1
    where = f"{worst.dataset}{f' and {_number(more)} more' if more else ''} {worst.day}"
    return f"{where}: {cause.name}: {worst.message or worst.actual or worst.status}"


def _standing(score: Score) -> list[str]:
    since = score.days_since_failure
    return [
        score.dataset,
        score.day,
        f"{int(score.score * 10) / 10:.1f}",  # never rounded up to what it is not
        "" if score.trend is None else f"{score.trend:+.1f}",
        _number(score.warned),
        _number(score.failed),
        "never" if since is None else "that day" if since == 0 else f"{_count(since, 'day')} before",
    ]


def tell_checked(name: str, checked: Checked) -> RenderableType:
    """What is wrong with one file, and where."""
    head = Text(name, style="bold")
    if checked.source is not None:
        head.append(f" as {checked.source}" + (f", {checked.encoding}" if checked.encoding else ""), style="dim")
    lines: list[RenderableType] = [head]
    if checked.refused is not None:
        outcome = "would go to quarantine" if checked.source is not None else "would not be loaded"
        lines.append(Text(f"  {outcome}: {checked.refused}", style="red"))
    else:
        rows = f"{_count(checked.accepted, 'row')} accepted, {_number(checked.rejected)} rejected"
        lines.append(Text(f"  {rows}", style="green" if checked.is_fine else "yellow"))
    if checked.drift is not None:
        lines.append(Text(f"  {checked.drift}", style="yellow"))
    for finding in checked.findings:
        where = f"line {finding.line}" + (f", column {finding.column}" if finding.column else "")
        lines.append(Text(f"  {where}: {finding.reason}"))
    if checked.rejected > len(checked.findings):
        lines.append(Text(f"  … and {_number(checked.rejected - len(checked.findings))} more"))
    return Group(*lines)


_READABLE = 6
_MARKS = {"fine": "green", "wrong": "bold red", "skipped": "yellow"}


def tell_finding(finding: "Diagnosis") -> RenderableType:
    """One line: whether it is fine, and what it is about."""
    health = Text(f"{finding.health:<7} ", style=_MARKS[finding.health])
    return Text.assemble(health, (f"{finding.check}: ", "bold"), finding.message)


def _few(names: Sequence[str], noun: str) -> str:
    """The names, unless they are too many to be read."""
    return ", ".join(names) if len(names) <= _READABLE else _count(len(names), noun)


def tell_plan(plan: BuildPlan) -> RenderableType:
    """What will be built, why, and about how much."""
    lines: list[RenderableType] = [Text("\nTo build", style="bold"), *(Text(f"  {work}") for work in plan.todo)]
    if any(work.why is Why.CODE for work in plan.todo):
        lines.append(Text("  → Changed code can be postponed: vending run --skip-code-changes", style="dim"))
    return Group(*lines)


def _code_changes(works: Sequence[Work]) -> Iterator[RenderableType]:
    """What older code has built."""
    yield from _problems(
        [("Built by older code than there is now", [str(work) for work in works], "Build it again: vending run")]
    )


def tell_transformed(transformed: Transformed) -> RenderableType:
    """Which days were built for which models, and what went wrong."""
    lines: list[RenderableType] = []
    waiting = [*_problems([tell_blocks(transformed.blocked)]), *_code_changes(transformed.plan.postponed)]
    if not transformed.windows:
        told = "The other marts are up to date." if waiting else "The marts are up to date."
        return Group(Text(f"\n{told}", style="bold"), *waiting)
    built = [result for _, results in transformed.windows for result in results if result.kind == "model"]
    checks = [result for _, results in transformed.windows for result in results if "test" in result.kind]
    days = [window for window, _ in transformed.windows if window.first_day is not None]
    good = sum(check.is_good for check in checks)
    models = _count(len({result.name for result in built}), "model")
    lines.append(Text(f"\nBuilt {models}, {good} of {_count(len(checks), 'check')} passed", style="bold"))
    for window in days:
        names: dict[str, list[str]] = {}
        for name, built_days in window.built.items():
            first, last = built_days[0], built_days[-1]
            names.setdefault(f"{first}" if first == last else f"{first} to {last}", []).append(name)
        lines += [f"  {span}: {_few(of_it, 'model')}" for span, of_it in names.items()]
    lines += waiting
    lines += _problems(
        [
            (
                "Failed or skipped; these stay stale, and the next run takes them again",
                [
                    f"{node.name}: {node.status}: {' '.join((node.message or '').split())}"
                    for node in transformed.failed
                ],
                None,
            ),
            (
                "Checks that warn",
                [f"{node.name}: {_count(node.failures or 0, 'row')}" for node in transformed.warned],
                None,
            ),
        ]
    )
    return Group(*lines)


def tell_blocks(blocked: Iterable[BlockedDay]) -> tuple[str, list[str], str]:
    return (
        "Not built, because what was delivered can't be trusted; the marts and exports stay as they were",
        [
            f"{block.source}{f' of {block.business_date}' if block.business_date else ''}: {block.reason}"
            for block in blocked
        ],
        "Have it delivered again, or fix the contract and run: vending replay",
    )


def tell_exported(exported: Sequence[Exported], place: str) -> RenderableType:
    """Which files are new, and where they are."""
    lines: list[RenderableType] = []
    for export in exported:
        if export.problem is not None:
            lines.append(Text(f"{export.name}: not exported: {export.problem}", style="red"))
        elif export.written or export.removed:
            rows = sum(part.rows for part in export.written)
            why = "; all of it, because it is declared otherwise than before" if export.is_rewritten else ""
            files = f"{_count(len(export.written), 'new file')}, {_count(rows, 'row')}{why}"
            lines.append(f"  {place}/{export.name}/: {files}")
        if export.replaced:
            title = f"{export.name}: 〓 stands for characters that its encoding lacks"
            lines += _problems([(title, export.replaced, None)])
        if export.held_back:
            days = ", ".join(export.held_back[:3]) + (" …" if len(export.held_back) > 3 else "")
            lines.append(Text(f"{export.name}: held back, because a check of its mart failed: {days}", style="yellow"))
    if not lines:
        return Text("The exports are up to date.", style="bold")
    return Group(Text("\nExported", style="bold"), *lines)


def tell_anonymised(run: Anonymised, into: str, *, dry_run: bool) -> RenderableType:
    """What was copied without the people in it, and what was not, with the reasons."""
    written = f"{'Would write' if dry_run else 'Wrote'} {_count(run.written, 'file')}"
    lines: list[RenderableType] = [Text(f"{written} to {into}" if run.written else "Nothing to write.", style="bold")]
    if run.unchanged:
        lines.append(f"{_count(run.unchanged, 'file')} there already, byte for byte.")
    lines.append(f"{_count(run.people, 'personal value')} looked for in everything.")
    if run.too_short:
        lines.append(
            f"{_count(run.too_short, 'personal value')} too short to be looked for: replaced in personal columns only."
        )
    lines += _problems(
        [
            (
                "Left out, because nobody can say that no person is in it",
                [f"{file.path}: {file.reason}" for file in run.left_out],
                "Have it delivered again as its contract says; or declare the new column or the name",
            ),
            (
                f"Left out now, but an earlier copy is still in {into}",
                [file.path for file in run.left_out if file.is_still_there],
                "See whether it should be, and remove it there",
            ),
        ]
    )
    return Group(*lines)


def tell_trace(traced: Trace) -> RenderableType:
    """The row, then the files it comes from, and their lines if they were asked for."""
    lines: list[RenderableType] = [Text(f"{traced.model}: {_count(len(traced.rows), 'row')}", style="bold")]
    if len(traced.rows) == 1:
        lines += [Text(f"  {name}: {'' if value is None else value}") for name, value in traced.rows[0].items()]
    if traced.is_stale:
        lines.append(Text("It is to be built again: these files may say otherwise by now. vending run", style="yellow"))
    peers = sum(file.is_peer for file in traced.files)
    lines.append(Text(f"\nComes from {_count(len(traced.files) - peers, 'file')}", style="bold"))
    for number, file in enumerate(traced.files[:TRACED]):
        if file.is_peer and number == len(traced.files) - peers:
            lines.append(Text(f"Is compared with rows that come from {_count(peers, 'more file')}", style="bold"))
        lines += _tell_file(file)
    if len(traced.files) > TRACED:
        lines.append(f"  … and {_number(len(traced.files) - TRACED)} more; all of them: --json")
    if traced.lines_left_out:
        lines.append(f"{_number(traced.lines_left_out)} more lines are behind it; say more of the row to see them")
    lines += [Text(note, style="dim") for note in traced.notes]
    lines += _problems(
        [
            (
                "Not in the number, because the whole file is in quarantine",
                [f"{file.path}: {file.quarantined_because}" for file in traced.missing],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            )
        ]
    )
    return Group(*lines)


def _tell_file(file: TracedFile) -> Iterator[RenderableType]:
    behind = "" if file.rows_behind is None else f", {_number(file.rows_behind)} of {_count(file.rows, 'row')}"
    if file.rows_compared:
        behind = f"{behind if file.rows_behind else ''}, {_number(file.rows_compared)} to compare with"
    rejected = f", {_number(file.rows_rejected)} rejected" if file.rows_rejected else ""
    yield Text.assemble(f"  {file.path}", (f" as {file.source}{behind}{rejected}", "dim"))
    yield Text(f"    delivered {file.delivered_at:%Y-%m-%d %H:%M}, sha256 {file.sha256}", style="dim")
    for line in file.lines:
        values = ", ".join(f"{name} {value}" for name, value in line.values.items() if value is not None)
        yield Text(f"    line {line.number}{' (compared)' if line.is_peer else ''}: {values}")


def _problems(kinds: Iterable[tuple[str, Sequence[str], str | None]]) -> Iterator[RenderableType]:
    for title, things, advice in kinds:
        if not things:
            continue
        yield Text(f"\n{title} ({_number(len(things))})", style="bold yellow")
        for thing in things[:SHOWN]:
            yield Text(f"  {thing}")
        if len(things) > SHOWN:
            yield Text(f"  … and {_number(len(things) - SHOWN)} more")
        if advice is not None:
            yield Text(f"  → {advice}", style="dim")


def _missing_by_sender(status: DeliveryStatus) -> Iterator[str]:
    """A sender that is silent for a month is one line, not thirty."""
    days = Counter((row["source"], row["sender"]) for row in status.missing)
    for (source, sender), count in days.items():
        dates = [r["business_day"] for r in status.missing if (r["source"], r["sender"]) == (source, sender)]
        shown = ", ".join(dates[:3]) + (f" … {dates[-1]} ({count} days)" if count > 3 else "")
        yield f"{source} of {status.sender_names.get(source, 'sender')} {sender}: {shown}"


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number else "left")
    return table


def _number(value: int) -> str:
    return f"{value:,}"


def _count(number: int, thing: str) -> str:
    return f"{_number(number)} {thing}{'' if number == 1 else 's'}"
