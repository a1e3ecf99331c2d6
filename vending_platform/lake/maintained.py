"""What maintenance did: its result, without what does it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MaintainedTable:
    table: str
    compacted_files: int
    files_instead: int
    compacted_bytes: int
    expired_snapshots: int
    removed_files: int
    removed_bytes: int
    seconds: float

    @property
    def has_changed(self) -> bool:
        return bool(self.compacted_files or self.expired_snapshots or self.removed_files)


@dataclass(frozen=True)
class Maintained:
    """What one run of it did, a table each."""

    tables: tuple[MaintainedTable, ...]
