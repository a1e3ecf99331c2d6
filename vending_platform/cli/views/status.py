"""What there is, and what of it needs a person."""

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.builds import code_changes
from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas
from vending_platform.status import PlatformStatus, open_points


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
    lines += problem_lists((point.what, point.items, point.todo) for point in open_points(now))
    return Group(*lines)
