"""The part of a run that is about packages: which of them have to be judged, and what becomes of each."""

from collections.abc import Collection, Iterable, Iterator

from vending_platform.ingestion import quarantine
from vending_platform.ingestion.discovery import Discovery
from vending_platform.ingestion.packages.arriving import is_as_judged
from vending_platform.ingestion.packages.gathering import PackageDelivery, gather
from vending_platform.ingestion.packages.judging import Judged, Loadable, judge
from vending_platform.ingestion.packages.loading import keep, load_together
from vending_platform.ingestion.packages.recording import KnownPackages
from vending_platform.ingestion.planning import Selection
from vending_platform.ingestion.reading import content_of
from vending_platform.ingestion.run import Run
from vending_platform.ledger import (
    Delivered,
    FileVersions,
    PackageRecord,
    PackageState,
    read_packages,
)
from vending_platform.storage import StoredFile, Unreadable


def load_packages(
    run: Run, ledger: FileVersions, discovery: Discovery, selection: Selection, *, verify: bool = False
) -> list[Delivered]:
    """Load every package that is new, complete and right. The files of all that were judged."""
    known, chosen = _known_and_chosen(run, discovery, selection)
    changed = [one for one in chosen if verify or not is_as_judged(one, known.records.get(one.key), ledger)]
    run.summary.unchanged += sum(len(one.files) for one in chosen) - sum(len(one.files) for one in changed)
    return _judge_and_load(run, ledger, known, changed, again=False)


def replay_packages(run: Run, ledger: FileVersions, discovery: Discovery, selection: Selection) -> list[Delivered]:
    """Judge again what was refused, and load again what was read under another contract or not wholly accepted."""
    known, chosen = _known_and_chosen(run, discovery, selection)
    there = {one.key for one in chosen}
    chosen += [one for record in known.records.values() if (one := _from_kept(run, record)) and one.key not in there]
    again = [one for one in chosen if _has_to_be_read_again(one, known.records.get(one.key), ledger)]
    return _judge_and_load(run, ledger, known, again, again=True)


def _known_and_chosen(
    run: Run, discovery: Discovery, selection: Selection
) -> tuple[KnownPackages, list[PackageDelivery]]:
    packages = run.context.catalog.packages
    if not packages:
        return KnownPackages({}), []
    gathered = gather(run.context.catalog, discovery).values()
    known = KnownPackages(read_packages(run.writer))
    return known, [one for one in gathered if _is_chosen(run, one, selection)]


def _is_chosen(run: Run, one: PackageDelivery, selection: Selection) -> bool:
    """A package is meant where any part of it is; where a source of it is blocked, all of it waits."""
    sources = one.package.sources.values()
    if any(source.name not in run.sources for source in sources):
        return False
    paths = one.facts.keys() or {one.manifest_path}
    return any(selection.takes(source, one.day, path) for source in sources for path in paths)


def _has_to_be_read_again(one: PackageDelivery, record: PackageRecord | None, ledger: FileVersions) -> bool:
    if record is None or record.state is PackageState.REFUSED:
        return True
    versions = [(d.source, ledger.current(d.source.name, d.file.path)) for d in one.files]
    return any(
        version is not None
        and not version.dismissed
        and not (version.is_wholly_accepted and version.in_raw and version.contract_hash == source.reading_hash)
        for source, version in versions
    )


def _from_kept(run: Run, record: PackageRecord) -> PackageDelivery | None:
    """A package that was refused and whose folder is empty now, as it lay there."""
    package = next((p for p in run.context.catalog.packages if p.name == record.package), None)
    hashes = record.kept_contents
    if package is None or record.state is not PackageState.REFUSED or not hashes:
        return None
    if not all(quarantine.has(run.context.storage.work, sha256) for sha256 in hashes.values()):
        return None
    one = PackageDelivery(package, record.sender, record.business_date)
    for path, (size, etag, _) in record.facts.items():
        file = StoredFile(path, size, etag, record.since)
        found = run.context.catalog.identify_package(path)
        if path == record.manifest_path:
            one.manifest = file
        elif found is None or path not in hashes:
            one.others.append(file)
        else:
            source = next(s for s in package.sources.values() if s.match(path) is not None)
            one.files.append(Delivered(source, file, one.parts, is_there=False))
    return one


def _judge_and_load(
    run: Run, ledger: FileVersions, known: KnownPackages, chosen: Collection[PackageDelivery], *, again: bool
) -> list[Delivered]:
    judged: list[Judged] = []
    loadable: list[Loadable] = []
    for one, content in _with_manifests(run, known, chosen):
        found = judge(one, content, known.records.get(one.key))
        if isinstance(found, Loadable):
            loadable.append(found)
        else:
            judged.append(found)
    keep(run, known, judged, {})
    run.summary.packages += [known.judged(run, one) for one in judged]
    if judged:
        run.publish([known.changes()])
    load_together(run, ledger, known, loadable, again)
    return [delivered for one in chosen for delivered in one.files]


def _with_manifests(
    run: Run, known: KnownPackages, chosen: Iterable[PackageDelivery]
) -> Iterator[tuple[PackageDelivery, bytes | None]]:
    """Each with the content of its manifest, if there is one; one whose manifest can't be read is left out."""
    chosen = list(chosen)
    listed = [one.manifest for one in chosen if one.manifest is not None and not _is_kept(known, one)]
    read = dict(zip([file.path for file in listed], run.context.storage.raw.read_many(listed), strict=True))
    for one in chosen:
        if one.manifest is None:
            yield one, None
            continue
        path = one.manifest.path
        content = read.get(path)
        if content is None:
            sha256 = known.kept_contents(one.key)[path]
            content = b"".join(quarantine.kept(run.context.storage.work, sha256))
        if isinstance(content, Unreadable):
            run.summary.unreadable.append((path, str(content)))
            continue
        known.manifests[one.key] = path, content_of(content)
        yield one, content


def _is_kept(known: KnownPackages, one: PackageDelivery) -> bool:
    return any(not delivered.is_there for delivered in one.files)
