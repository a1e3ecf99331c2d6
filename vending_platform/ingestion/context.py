"""What a run gets from its caller, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vending_platform.catalog import Catalog
from vending_platform.ingestion.crash_points import OnStep
from vending_platform.ingestion.discovery import UndeclaredFile
from vending_platform.ingestion.package_result import PackageResult
from vending_platform.ledger import FileState, FileVersion, PackageState
from vending_platform.storage import Storage
from vending_platform.warehouse import Warehouse


def _ignore(*_: object) -> None:
    """For a caller that needs no notice."""


@dataclass(frozen=True)
class IngestionContext:
    """What ingestion needs from the layers below. `scratch` is a local folder that only ingestion uses."""

    catalog: Catalog
    storage: Storage
    warehouse: Warehouse
    scratch: Path


@dataclass(frozen=True)
class Watcher:
    """What is called during a run: at each step, with bytes done and to do, when it waits for another run."""

    on_step: OnStep = _ignore
    on_progress: Callable[[int, int], None] = _ignore
    on_wait: Callable[[str], None] = _ignore


SILENT = Watcher()


@dataclass
class Summary:
    """What a run did, for the person who started it."""

    run_id: str
    unchanged: int = 0
    loaded: list[FileVersion] = field(default_factory=list)
    corrected: set[str] = field(default_factory=set)
    """The ids among `loaded` and `quarantined` that took another version's place."""
    quarantined: list[FileVersion] = field(default_factory=list)
    same_again: list[FileVersion] = field(default_factory=list)
    """Delivered again with the content they had."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Path and reason of files that could not be read this time; the next run tries again."""
    packages: list[PackageResult] = field(default_factory=list)
    """Those of which something is new, loaded or not."""
    copies: list[tuple[str, str]] = field(default_factory=list)
    """Paths of what was loaded, and of another file with the same bytes."""
    undeclared: tuple[UndeclaredFile, ...] = ()
    gone: tuple[FileVersion, ...] = ()
    """No longer there since this run."""
    withdrawn: list[FileVersion] = field(default_factory=list)
    """Whose rows were removed because a person requested it."""
    blocked: dict[str, str] = field(default_factory=dict)
    """Sources that were left alone, and why."""
    not_replayable: list[FileVersion] = field(default_factory=list)
    """That should be read again, but whose bytes are lost."""

    def start_plan(self) -> None:
        """A plan begins: what it finds out by itself is forgotten, what earlier plans of the run have done is not."""
        self.unreadable, self.blocked, self.not_replayable = [], {}, []

    @property
    def dealt_with(self) -> frozenset[str]:
        """The versions that are in the warehouse by this run."""
        return frozenset(version.file_id for version in (*self.loaded, *self.quarantined, *self.same_again))

    @property
    def rows_accepted(self) -> int:
        return sum(version.rows_accepted for version in self.loaded)

    @property
    def rows_rejected(self) -> int:
        return sum(version.rows_rejected for version in self.loaded)

    @property
    def needs_a_person(self) -> bool:
        return bool(
            self.quarantined
            or self.unreadable
            or self.undeclared
            or self.not_replayable
            or self.blocked
            or self.copies
            or any(version.state is FileState.WITHDRAWN for version in self.gone)
            or any(package.state is PackageState.REFUSED for package in self.packages)
            or any(version.rows_rejected or version.drift for version in self.loaded)
        )
