"""What was due, and what of it could not be done."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import problem_lists


def due_view(summary: str, problems: Sequence[str]) -> RenderableType:
    advice = "Remove what is in the way; it is tried again with the next start, for some days"
    return Group(Text(summary, style="bold"), *problem_lists([("Due, and not done", problems, advice)]))
