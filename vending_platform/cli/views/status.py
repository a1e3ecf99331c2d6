"""What there is, and what of it needs a person."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.builds import blocked_problem, code_changes
from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas
from vending_platform.ingestion import DeliveryStatus, overdue, refused, titled
from vending_platform.ledger import REJECTED_ROWS_TABLE
from vending_platform.status import PlatformStatus


def status_view(now: PlatformStatus) -> RenderableType:
    status = now.deliveries
    lines: list[RenderableType] = []
    if now.is_being_written:
        lines.append(Text(f"A load is under way; this is what was true at {status.as_of}.", style="yellow"))
    lines.append(
        Text("Files: " + ", ".join(f"{with_commas(n)} {state}" for state, n in status.files.items()), style="bold")
    )
    if status.rows:
        table = new_table("source", "rows accepted", "rows rejected")
        for source, counts in status.rows.items():
            table.add_row(source, with_commas(counts["accepted"]), with_commas(counts["rejected"]))
        lines.append(table)
    if now.stale:
        days = list(now.stale)
        span = f"{days[0]} to {days[-1]}" if len(days) > 1 else f"{days[0]}"
        lines.append(f"{count(len(days), 'business day')} to build again ({span}): vending run")
    lines += code_changes(now.code_changes)
    if now.exports:
        for name in dict.fromkeys(name for name, _ in now.exports):
            parts = [part for export, part in now.exports if export == name]
            rows = count(sum(part.rows for part in parts), "row")
            lines.append(f"{now.exports_place}/{name}/: {count(len(parts), 'file')}, {rows}")
    rejecting = {source: counts["rejected"] for source, counts in status.rows.items() if counts["rejected"]}
    lines += problem_lists(
        [
            (
                "No current delivery of a master that everything needs",
                status.required_but_absent,
                "Have it delivered; until then what is built on it can't be trusted",
            ),
            blocked_problem(now.blocked),
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
                "Make it readable; every run tries again",
            ),
            (
                "Missing: due, but nothing came",
                list(_missing_by_sender(status)),
                "Ask the sender; a late file is loaded whenever it comes",
            ),
            (
                "Packages that are refused; what was loaded of them before stays",
                [f"{titled(one)}: {one['reason']}" for one in refused(status.packages)],
                "See all that is wrong: vending check FOLDER. Have a right one delivered, with a higher revision",
            ),
            (
                "Packages that should be complete by now",
                [f"{titled(one)}: {one['reason']}, due {one['due_at']}" for one in overdue(status.packages)],
                "Ask the sender; what has come waits for the rest",
            ),
            (
                "In quarantine",
                [f"{row['path']}: {row['reason']}" for row in status.quarantined],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            ),
            (
                "Rejected rows",
                [f"{source}: {count(rows, 'row')}" for source, rows in rejecting.items()],
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
                "Give the contract its name back, or drop the table once it is no longer needed",
            ),
            ("Of no declared kind", [f"{row['path']}: {row['reason']}" for row in status.undeclared], None),
        ]
    )
    return Group(*lines)


def _missing_by_sender(status: DeliveryStatus) -> Iterator[str]:
    """A sender that is silent for a month is one line, not thirty."""
    days = Counter((row["source"], row["sender"]) for row in status.missing)
    for (source, sender), days_missing in days.items():
        dates = [r["business_day"] for r in status.missing if (r["source"], r["sender"]) == (source, sender)]
        shown = ", ".join(dates[:3]) + (f" … {dates[-1]} ({days_missing} days)" if days_missing > 3 else "")
        yield f"{source} of {status.sender_names.get(source, 'sender')} {sender}: {shown}"
