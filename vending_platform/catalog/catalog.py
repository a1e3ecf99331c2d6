"""All contracts of a domain: a `Catalog` answers what a file's name means."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vending_platform.catalog.contract import Source
from vending_platform.catalog.exports import Export
from vending_platform.catalog.models import Model
from vending_platform.catalog.names import NameParts, NamePattern
from vending_platform.catalog.package import Package, packages_of


@dataclass(frozen=True)
class Undeclared:
    """Why no contract takes a name."""

    reason: str


@dataclass(frozen=True)
class Catalog:
    sources: tuple[Source, ...]
    models: tuple[Model, ...] = ()
    exports: tuple[Export, ...] = ()

    def __iter__(self) -> Iterator[Source]:
        return iter(self.sources)

    def source(self, name: str) -> Source:
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(f"no source is called {name!r}; there are: {', '.join(s.name for s in self.sources)}")

    @cached_property
    def sender_columns(self) -> tuple[str, ...]:
        """Where a row names its sender: the columns that the contracts declare for that, and what one is called."""
        senders = [source.files.sender for source in self.sources if source.files.sender is not None]
        columns = [sender.column for sender in senders if sender.column is not None]
        return tuple(dict.fromkeys([*columns, *(sender.name for sender in senders)]))

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """Of files that belong together; a catalog is only made where none of them has a problem."""
        return tuple(package for package in packages_of(self.sources) if isinstance(package, Package))

    def package_of_manifest(self, path: str) -> tuple[Package, NameParts] | None:
        """Whose manifest this is. ValueError if its path contradicts itself."""
        for package in self.packages:
            if (parts := package.match(path)) is not None:
                return package, parts
        return None

    def identify_package(self, path: str) -> tuple[Package, NameParts] | None:
        """Of which package a path is the manifest or one of the files; None if it is of none, or of nothing."""
        try:
            if (manifest := self.package_of_manifest(path)) is not None:
                return manifest
        except ValueError:
            return None
        found = self.identify(path)
        if isinstance(found, Undeclared) or found[0].files.package is None:
            return None
        source, parts = found
        return next((p, parts) for p in self.packages if source in p.sources.values())

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, NamePattern, Source]]]:
        return self._patterns(has_folders=False)

    @cached_property
    def _by_path(self) -> dict[str, list[tuple[str, NamePattern, Source]]]:
        return self._patterns(has_folders=True)

    def _patterns(self, *, has_folders: bool) -> dict[str, list[tuple[str, NamePattern, Source]]]:
        """Every pattern with its prefix, by its first letter: of many contracts few come into question for a name.
        Those that begin with anything come into question for all, and alone under no letter."""
        found: dict[str, list[tuple[str, NamePattern, Source]]] = {"": []}
        for source in self.sources:
            for pattern in (pattern for pattern in source.patterns if pattern.has_folders is has_folders):
                found.setdefault(pattern.prefix[:1], []).append((pattern.prefix, pattern, source))
        return {letter: taken + (found[""] if letter else []) for letter, taken in found.items()}

    def identify(self, path: str) -> tuple[Source, NameParts] | Undeclared:
        """Which contract a file falls under: by its name alone, wherever it lies, or, where a pattern has folders, by
        its path in the raw place."""
        found: list[tuple[Source, NameParts]] = []
        name = path.rsplit("/", 1)[-1]
        try:
            for patterns, written in ((self._by_name, name), (self._by_path, path)):
                for prefix, pattern, source in patterns.get(written[:1], patterns[""]):
                    if written.startswith(prefix) and (parts := pattern.match(written)) is not None:
                        found.append((source, parts))
        except ValueError as error:
            return Undeclared(str(error))
        if len(found) > 1:
            return Undeclared(f"more than one contract takes this name: {', '.join(s.name for s, _ in found)}")
        if not found:
            return Undeclared("no contract takes this name")
        ((source, parts),) = found
        if parts.business_date is not None and parts.business_date < source.files.first_day:
            return Undeclared(f"its day is before {source.files.first_day}, the first_day of {source.name}")
        return source, parts
