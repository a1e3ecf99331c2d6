"""Packages: files of several sources that a sender delivers together, as one manifest lists them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from vending_platform.catalog.contract import Source
from vending_platform.catalog.grain import Grain
from vending_platform.catalog.names import NameParts, NamePattern


@dataclass(frozen=True)
class Package:
    """What the contracts of its sources declare alike. It is loaded as one, whole or not at all."""

    name: str
    manifest: NamePattern
    sender_name: str
    grain: Grain
    complete_within: timedelta
    """How long after its first file the last one may come, before it is reported."""
    sources: Mapping[str, Source]
    """By what its manifest calls the kind of their files."""
    required: frozenset[str]
    """The kinds of which no package is without a file."""

    def path_of_manifest(self, sender: str, day: date) -> str:
        return self.manifest.written(sender, day)

    def folder_of(self, sender: str, day: date) -> str:
        """Where all of its files lie."""
        return self.path_of_manifest(sender, day).rpartition("/")[0]

    def match(self, path: str) -> NameParts | None:
        """Whose manifest a path is; None if it is not one. ValueError if it is, and its path contradicts itself."""
        return self.manifest.match(path)


def packages_of(sources: Iterable[Source]) -> Iterator[Package | str]:
    """Every package, or in its place what is wrong with it."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        if source.files.package is not None:
            found.setdefault(source.files.package.name, []).append(source)
    for name, members in found.items():
        problems = list(_problems(name, members))
        yield from problems
        if not problems:
            yield _package(name, members)


def _package(name: str, members: list[Source]) -> Package:
    first = members[0]
    declared = [(source, source.files.package) for source in members if source.files.package is not None]
    return Package(
        name,
        manifest=first.manifest_pattern,
        sender_name=first.files.sender_name or "",
        grain=first.grain or Grain.MONTH,
        complete_within=declared[0][1].complete_within,
        sources={member.kind: source for source, member in declared},
        required=frozenset(member.kind for _, member in declared if member.required),
    )


def _problems(name: str, members: list[Source]) -> Iterator[str]:
    first, kinds = members[0], dict[str, Source]()
    for source in members:
        where = f"{source.declared_in}: source {source.name}: package"
        member, other = source.files.package, first.files.package
        assert member is not None  # these are what was gathered
        assert other is not None
        for key in ("manifest", "complete_within"):
            if getattr(member, key) != getattr(other, key):
                yield f"{where}.{key}: differs from that of source {first.name}, which is in package {name} too"
        if (source.files.sender_name, source.grain) != (first.files.sender_name, first.grain):
            yield f"{where}: its sender and grain differ from those of source {first.name}, in package {name} too"
        if member.kind in kinds:
            yield f"{where}.kind: {member.kind!r} is also the kind of source {kinds[member.kind].name}"
        kinds[member.kind] = source
