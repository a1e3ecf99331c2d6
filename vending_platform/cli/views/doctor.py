"""What the doctor found."""

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

if TYPE_CHECKING:  # only one command needs that package
    from vending_platform.doctor import Diagnosis

_MARKS = {"fine": "green", "wrong": "bold red", "skipped": "yellow"}


def diagnosis_view(finding: "Diagnosis") -> RenderableType:
    """One line: whether it is fine, and what it is about."""
    health = Text(f"{finding.health:<7} ", style=_MARKS[finding.health])
    return Text.assemble(health, (f"{finding.check}: ", "bold"), finding.message)
