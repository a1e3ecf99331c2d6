"""What every kind of extraction declares."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from vending_platform.catalog.declared import Declared
from vending_platform.catalog.file_format import ContentFormat, FileFormat
from vending_platform.catalog.names import NamePattern


@dataclass(frozen=True)
class SystemName:
    """A system that sources come from: its kind, and its name in environments.yml."""

    kind: str
    name: str


class Extract(Declared):
    """Each kind of system has a class of its own, chosen by the key that names the system."""

    tags: ClassVar[frozenset[str]]
    """What Dagster shows of it."""

    @property
    @abstractmethod
    def system(self) -> SystemName: ...

    @property
    @abstractmethod
    def description(self) -> str:
        """What is extracted, as one sentence."""

    @property
    @abstractmethod
    def has_past(self) -> bool:
        """Whether past days can be extracted once more."""

    def columns_named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Each key that names a column, the name, and the types that it may have."""
        return iter(())

    def problem_with(self, files: FileFormat, patterns: tuple[NamePattern, ...]) -> str | None:
        """Why files that are declared like this can't be written by an extraction."""
        if files.format is not ContentFormat.PARQUET:
            return f"extract writes Parquet, and format is {files.format.value!r}"
        if len(patterns) != 1:
            return "extract needs exactly one name pattern: that is how its files are called"
        if patterns[0].has_sender:
            return f"extract has no sender to put into the name pattern {patterns[0].template!r}"
        return None
