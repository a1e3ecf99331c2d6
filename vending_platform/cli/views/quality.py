"""How far the data can be trusted."""

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas
from vending_platform.quality import Cause, Quality, Score, causes


def quality_view(found: Quality | None, *, is_being_written: bool) -> RenderableType:
    """How each dataset stands on its newest day, and what does not pass on that day."""
    lines: list[RenderableType] = []
    if found is not None and is_being_written:
        lines.append(Text(f"A run is under way; this is what was true at {found.as_of}.", style="yellow"))
    if found is None or not found.scores:
        if is_being_written:
            return Text("A run is under way, and none before has recorded anything.")
        return Text("Nothing is recorded about that yet; every run records what its checks found: vending run")
    shown = [score for score in found.latest if score.warned or score.failed or score.trend is not None]
    if shown:
        heads = ("dataset", "day", "score", "trend", "warn", "failed", "last failure")
        rows = [_standing(score) for score in shown]
        table = new_table(*heads)
        for column, cells in zip(table.columns, zip(heads, *rows, strict=True), strict=True):
            column.min_width = max(map(len, cells))  # a name that is cut off is of no use
        for score, row in zip(shown, rows, strict=True):
            table.add_row(*row, style="bold red" if score.failed else "yellow" if score.warned else "")
        lines.append(table)
    if well := len(found.latest) - len(shown):
        lines.append(f"{count(well, 'dataset')} without business days: every check passed.")
    newest = {score.dataset: score.day for score in found.latest}
    now = [failure for failure in found.failures if newest[failure.dataset] == failure.day]
    before = len(found.failures) - len(now)
    lines += problem_lists(
        [
            (
                "Not passed on the newest day, the worst first",
                [_cause_line(cause) for cause in causes(now)],
                "Rows, files and the days before: vending quality --html quality.html",
            )
        ]
    )
    if before:
        lines.append(f"\n{count(before, 'check')} did not pass on days before.")
    return Group(*lines)


def _cause_line(cause: Cause) -> str:
    """What is the same in several tables is one line."""
    worst, more = cause.worst, len(cause.datasets) - 1
    where = f"{worst.dataset}{f' and {with_commas(more)} more' if more else ''} {worst.day}"
    return f"{where}: {cause.name}: {worst.message or worst.actual or worst.status}"


def _standing(score: Score) -> list[str]:
    since = score.days_since_failure
    return [
        score.dataset,
        score.day,
        f"{int(score.score * 10) / 10:.1f}",  # never rounded up to what it is not
        "" if score.trend is None else f"{score.trend:+.1f}",
        with_commas(score.warned),
        with_commas(score.failed),
        "never" if since is None else "that day" if since == 0 else f"{count(since, 'day')} before",
    ]
