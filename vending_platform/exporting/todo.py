"""What of an export has to be made: the days that were built since, and may leave."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from vending_platform.catalog import Export, Grain
from vending_platform.exporting.findings import ExportFindings, WrittenFile, note_export
from vending_platform.exporting.manifest import Part
from vending_platform.ledger import ModelBuild
from vending_platform.warehouse import Writer

if TYPE_CHECKING:
    from vending_platform.lake.history import TableState

NOT_WHOLE = (
    "it is declared otherwise than before, and is written again as a whole once all of its days may leave; until then"
    " the files of before stay"
)


@dataclass(frozen=True)
class Exported:
    """What became of one export."""

    name: str
    written: list[Part]
    removed: list[str]
    held_back: list[str]
    """Days that were not published, because a blocking check of their model failed."""
    problem: str | None = None
    is_rewritten: bool = False
    """Whether all of it was written again, because it is declared otherwise than before."""
    visible: list[Part] = field(default_factory=list, repr=False, compare=False)
    """All that readers see now, in the order of the days."""
    table: "TableState | None" = field(default=None, compare=False)
    """Of an export that is a table of the lake: its current snapshot."""

    @cached_property
    def days(self) -> dict[str | None, list[Part]]:
        """What they see of each day."""
        return by_day(self.visible)

    @property
    def replaced(self) -> list[str]:
        """Where 〓 stands in a file that was written now, because the encoding lacks a character."""
        return [f"{part.path}: {text}" for part in self.written for text in part.replaced]


@dataclass(frozen=True)
class Todo:
    """Of the days that were built since, those that may leave now, and those that may not."""

    due: list[ModelBuild]
    held_back: list[str]
    left_out: Set[str | None]


def todo_of(
    export: Export,
    kept: Mapping[str | None, Collection[Part]],
    builds: Iterable[ModelBuild],
    waiting: Mapping[date, frozenset[str]],
) -> Todo:
    """`kept` are the parts that need not be written again while their rows are the same."""
    new = [
        build
        for build in builds
        if (build.key not in kept and build.row_count != 0)
        or any(part.built_at != build.built_at for part in kept.get(build.key, ()))
    ]
    due = [build for build in new if _may_leave(export, build) and not _is_waiting(export, build, waiting)]
    return Todo(
        due=due,
        held_back=[build.key or export.name for build in new if not _may_leave(export, build)],
        left_out={build.key for build in new} - {build.key for build in due},
    )


def note(writer: Writer, export: Export, written: Iterable[Part], held_back: list[str], problem: str | None) -> None:
    """Leave the results of the checks where the next recorder finds them."""
    files = [WrittenFile(part.day, part.rows, part.sha256) for part in written]
    if found := note_export(ExportFindings(export.name, files, held_back, problem)):
        writer.publish(found, lambda _: None)


def would_lose(parts: Iterable[Part], days: Set[str | None]) -> bool:
    """Whether readers see any of these days now; one file for all of them has every day."""
    seen = {part.day for part in parts}
    return bool(days) and bool(seen) and (None in seen | days or not seen.isdisjoint(days))


def by_day(parts: Iterable[Part]) -> dict[str | None, list[Part]]:
    return {day: list(of_day) for day, of_day in groupby(parts, key=lambda part: part.day)}


def _may_leave(export: Export, build: ModelBuild) -> bool:
    return build.checks_passed or (export.publish_if_checks_failed and build.is_finished)


def _is_waiting(export: Export, build: ModelBuild, stale: Mapping[date, frozenset[str]]) -> bool:
    if not build.checks_passed:
        return False  # it is stale for that alone, and leaves all the same
    if build.day is None:
        return any(export.model in models for models in stale.values())
    if export.is_by_month:
        return any(export.model in models for day, models in stale.items() if Grain.MONTH.start(day) == build.day)
    return export.model in stale.get(build.day, ())
