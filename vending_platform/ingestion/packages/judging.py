"""What is to be done with a package, from its manifest, the listing of its folder and what is known of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vending_platform.ingestion.packages.gathering import PackageDelivery
from vending_platform.ingestion.packages.manifest import Fault, ManifestFile, PackageManifest, parse_manifest
from vending_platform.ledger import Delivered, PackageRecord, PackageState


@dataclass(frozen=True)
class Loadable:
    """A package of which nothing is wrong so far: its files with what the manifest lists of each."""

    delivery: PackageDelivery
    revision: int
    is_known: bool
    """Whether this revision is in `raw` already."""
    files: Sequence[tuple[Delivered, ManifestFile]]
    before: Mapping[str, str]
    """Of each file of the revision in `raw` its hash."""

    def fault_of(self, listed: ManifestFile, path: str, size: int, sha256: str) -> Fault | None:
        """What is wrong with the content of a file."""
        if (size, sha256) == (listed.size, listed.sha256):
            return None
        if self.is_known:
            lists = f"it is not what revision {self.revision} lists, which is loaded, and no later manifest has come"
            return Fault(listed.name, lists, may_come=True)
        if self.before.get(path) == sha256:
            return Fault(listed.name, "it is still the one of the revision before", may_come=True)
        if size != listed.size:
            return Fault(listed.name, f"it has {size:,} bytes, and the manifest lists {listed.size:,}")
        return Fault(listed.name, f"its sha256 is {sha256}, and the manifest lists {listed.sha256}")


@dataclass(frozen=True)
class Judged:
    """A package that is not loaded now, and why."""

    delivery: PackageDelivery
    state: PackageState
    faults: Sequence[Fault]
    revision: int | None = None

    @property
    def reason(self) -> str:
        return "; ".join(map(str, self.faults))


def judge(delivery: PackageDelivery, content: bytes | None, known: PackageRecord | None) -> Loadable | Judged:
    """`content` is that of its manifest; None where there is none."""
    name = delivery.manifest_path.rpartition("/")[2]
    if content is None:
        return Judged(delivery, PackageState.WAITING, [Fault(name, "it has not come", may_come=True)])
    manifest = parse_manifest(delivery.package, delivery.parts, name, content)
    if not isinstance(manifest, PackageManifest):
        return Judged(delivery, PackageState.REFUSED, manifest)
    loaded = known.revision if known is not None else None
    before = known.contents if known is not None and loaded is not None else {}
    is_known = loaded == manifest.revision
    if loaded is not None and manifest.revision < loaded:
        fault = Fault(name, f"its revision is {manifest.revision}, and revision {loaded} is loaded already")
        return Judged(delivery, PackageState.OUTDATED, [fault], manifest.revision)
    listed = {f"{delivery.folder}/{file.name}": file for file in manifest.files}
    if is_known and before != {path: file.sha256 for path, file in listed.items()}:
        fault = Fault(
            name, f"its revision {loaded} is loaded with other files; a correction has a higher revision than {loaded}"
        )
        return Judged(delivery, PackageState.REFUSED, [fault], manifest.revision)
    faults = list(_against_the_listing(delivery, listed))
    if faults:
        # What is loaded was right; what differs from it now may be the beginning of a later revision.
        waits = is_known or all(fault.may_come for fault in faults)
        state = PackageState.WAITING if waits else PackageState.REFUSED
        return Judged(delivery, state, faults, manifest.revision)
    there = {delivered.file.path: delivered for delivered in delivery.files}
    files = [(there[path], file) for path, file in listed.items()]
    return Loadable(delivery, manifest.revision, is_known, files, before)


def _against_the_listing(delivery: PackageDelivery, listed: Mapping[str, ManifestFile]) -> Iterator[Fault]:
    there = {delivered.file.path: delivered for delivered in delivery.files}
    others = {file.path for file in delivery.others}
    for path, file in listed.items():
        if path not in there:
            what = "no contract takes its name" if path in others else "it has not come"
            yield Fault(file.name, what, may_come=path not in others)
    for path in sorted(there.keys() | others):
        if path not in listed:
            yield Fault(path.rpartition("/")[2], "the manifest does not list it")
    for path, delivered in sorted(there.items()):
        kind = next(kind for kind, source in delivery.package.sources.items() if source is delivered.source)
        if path in listed and listed[path].kind != kind:
            yield Fault(
                listed[path].name, f"the manifest lists it as {listed[path].kind!r}, and its name is of {kind!r}"
            )
