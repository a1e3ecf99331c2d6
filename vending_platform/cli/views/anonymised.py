"""What was copied without personal data, and what was not."""

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.anonymising import Anonymised
from vending_platform.cli.views.parts import count, problem_lists


def anonymised_view(run: Anonymised, into: str, *, dry_run: bool) -> RenderableType:
    """What was copied without personal data, and what was not, with the reasons."""
    written = f"{'Would write' if dry_run else 'Wrote'} {count(run.written, 'file')}"
    lines: list[RenderableType] = [Text(f"{written} to {into}" if run.written else "Nothing to write.", style="bold")]
    if run.unchanged:
        lines.append(f"{count(run.unchanged, 'file')} there already, byte for byte.")
    lines.append(f"{count(run.people, 'personal value')} searched for in everything.")
    if run.too_short:
        lines.append(
            f"{count(run.too_short, 'personal value')} too short to be searched for: replaced in personal columns only."
        )
    lines += problem_lists(
        [
            (
                "Left out, because personal data may still be in it",
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
