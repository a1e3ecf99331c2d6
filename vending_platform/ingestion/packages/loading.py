"""Packages become rows: each whole, with all else that it changes, in one transaction, or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.ingestion import quarantine
from vending_platform.ingestion.batch_reading import ReadBatch
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.loading import Loader, ReadFiles
from vending_platform.ingestion.outcome import Rows, removal
from vending_platform.ingestion.packages.gathering import PackageDelivery
from vending_platform.ingestion.packages.judging import Judged, Loadable
from vending_platform.ingestion.packages.manifest import Fault
from vending_platform.ingestion.packages.recording import KnownPackages
from vending_platform.ingestion.planning import batches
from vending_platform.ingestion.reading import SMALL, FileContent, content_of
from vending_platform.ingestion.run import Run
from vending_platform.ingestion.validation import FILE_ID, Validator, validation_engine
from vending_platform.ledger import Delivered, FileState, FileVersion, FileVersions, PackageState, note_files
from vending_platform.prefetch import prefetched
from vending_platform.storage import Unreadable
from vending_platform.warehouse import Change

Contents = Mapping[str, FileContent | Unreadable]


@dataclass
class _Group:
    """Packages that are published at once; what is found wrong with one takes it out."""

    packages: Sequence[Loadable]
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    read: list[ReadFiles] = field(default_factory=list)

    @property
    def good(self) -> list[Loadable]:
        return [p for number, p in enumerate(self.packages) if not self.faults.get(number) and not self._is_out(number)]

    @property
    def refused(self) -> Iterator[tuple[Loadable, list[Fault]]]:
        yield from ((self.packages[number], faults) for number, faults in self.faults.items() if faults)

    @property
    def deliveries(self) -> list[Delivered]:
        return [delivered for package in self.good for delivered, _ in package.files]

    def _is_out(self, number: int) -> bool:
        return number in self.unreadable


def load_together(
    run: Run, ledger: FileVersions, known: KnownPackages, loadable: Sequence[Loadable], again: bool
) -> None:
    """Load these packages, as many in one transaction as fit into memory. `again` reads what is in `raw` already."""
    if not loadable:
        return
    about = ledger.about(delivered.file.path for package in loadable for delivered, _ in package.files)
    loader = Loader(run.context, about, run.summary, run.watcher, run.now, run.publish)
    total, done = sum(map(_size, loadable)), 0
    run.watcher.on_progress(done, total)
    with validation_engine() as engine, closing(prefetched(_fetched(run, known, _groups(loadable)))) as ahead:
        for packages, contents in ahead:
            with ExitStack() as afterwards:
                group = _Group(packages)
                if contents is None:
                    contents = dict(_spooled(loader, packages, afterwards))
                _hold_against_manifests(run, group, contents)
                _read(loader, group, contents, engine, again, afterwards)
                _publish(run, ledger, loader, known, group, contents)
            done += sum(map(_size, packages))
            run.watcher.on_progress(done, total)


def _size(package: Loadable) -> int:
    return sum(delivered.file.size for delivered, _ in package.files)


def _groups(loadable: Iterable[Loadable]) -> Iterator[list[Loadable]]:
    """Neighbouring periods together, and no more at once than fits into memory."""
    group: list[Loadable] = []
    size = 0
    for package in sorted(loadable, key=lambda one: (one.delivery.day, one.delivery.key)):
        if group and size + _size(package) > SMALL:
            yield group
            group, size = [], 0
        group.append(package)
        size += _size(package)
    if group:
        yield group


def _fetched(
    run: Run, known: KnownPackages, groups: Iterable[Sequence[Loadable]]
) -> Iterator[tuple[Sequence[Loadable], Contents | None]]:
    """Each group with the bytes of its files; not where a file is large, as that goes through a scratch file."""
    raw, work = run.context.storage.raw, run.context.storage.work
    for group in groups:
        files = [delivered for package in group for delivered, _ in package.files]
        if any(delivered.file.size > SMALL for delivered in files):
            yield group, None
            continue
        there = [delivered.file for delivered in files if delivered.is_there]
        contents: dict[str, FileContent | Unreadable] = {
            file.path: data if isinstance(data, Unreadable) else content_of(data)
            for file, data in zip(there, raw.read_many(there), strict=True)
        }
        for package in group:
            hashes = known.kept_contents(package.delivery.key)
            for delivered, _ in package.files:
                if not delivered.is_there:
                    path = delivered.file.path
                    contents[path] = content_of(b"".join(quarantine.kept(work, hashes[path])))
        yield group, contents


def _spooled(
    loader: Loader, packages: Sequence[Loadable], afterwards: ExitStack
) -> Iterator[tuple[str, FileContent | Unreadable]]:
    for package in packages:
        for delivered, _ in package.files:
            yield delivered.file.path, loader.spooled(delivered, afterwards)


def _hold_against_manifests(run: Run, group: _Group, contents: Contents) -> None:
    """Sizes and hashes, before any file is parsed."""
    for number, package in enumerate(group.packages):
        for delivered, listed in package.files:
            content = contents[delivered.file.path]
            if isinstance(content, Unreadable):
                run.summary.unreadable.append((delivered.file.path, str(content)))
                group.unreadable.add(number)
            elif fault := package.fault_of(listed, delivered.file.path, content.size, content.sha256):
                group.faults.setdefault(number, []).append(fault)


def _read(
    loader: Loader,
    group: _Group,
    contents: Contents,
    engine: duckdb.DuckDBPyConnection,
    again: bool,
    afterwards: ExitStack,
) -> None:
    for batch in batches(group.deliveries):
        validator = Validator(batch[0].source, engine)
        fetched = loader.fetch(batch, [contents[delivered.file.path] for delivered in batch], again)
        files = loader.read(batch, fetched, validator, afterwards)
        if files is not None:
            group.read.append(files)
            continue
        for delivered in batch:
            alone = loader.fetch([delivered], [contents[delivered.file.path]], again)
            files = loader.read([delivered], alone, validator, afterwards)
            assert files is not None  # a single file is always read
            group.read.append(files)
    versions = {v.path: v for files in group.read for v in (*(o.version for o in files.outcomes), *files.fetched.same)}
    for number, package in enumerate(group.packages):
        for delivered, listed in package.files:
            if (version := versions.get(delivered.file.path)) is None:
                continue
            rows = version.rows_accepted + version.rows_rejected
            if version.reason is not None:
                group.faults.setdefault(number, []).append(Fault(listed.name, version.reason))
            elif rows != listed.rows:
                what = f"it has {rows:,} rows, and the manifest lists {listed.rows:,}"
                group.faults.setdefault(number, []).append(Fault(listed.name, what))


def _publish(
    run: Run, ledger: FileVersions, loader: Loader, known: KnownPackages, group: _Group, contents: Contents
) -> None:
    good = {delivered.file.path for delivered in group.deliveries}
    read = [_only(files, good) for files in group.read]
    judged = [
        Judged(package.delivery, _state_of(faults), faults, package.revision) for package, faults in group.refused
    ]
    keep(run, known, judged, contents)
    changes = [change for files in read for change in loader.changes(files)]
    for package in group.good:
        changes += list(_left_out(run, ledger, package))
    versions = {v.path: v for files in read for v in (*(o.version for o in files.outcomes), *files.fetched.same)}
    results = [known.loaded(run, package, versions) for package in group.good]
    results += [known.judged(run, one) for one in judged]
    if results:
        run.publish([*changes, known.changes()])
    for files in read:
        loader.report(files)
    run.summary.packages += results


def keep(run: Run, known: KnownPackages, judged: Iterable[Judged], contents: Contents) -> None:
    """Of what is refused the bytes stay, whatever becomes of its folder."""
    for one in judged:
        if one.state is not PackageState.REFUSED:
            continue
        hashes = {}
        manifest = [known.manifests[one.delivery.key]] if one.delivery.key in known.manifests else []
        for path, content in chain(manifest, _contents_of(run, one.delivery, contents)):
            hashes[path] = content.sha256
            if quarantine.keep(run.context.storage.work, content):
                run.watcher.on_step(CrashPoint.KEPT)
        known.keep(one.delivery.key, hashes)


def _contents_of(run: Run, delivery: PackageDelivery, contents: Contents) -> Iterator[tuple[str, FileContent]]:
    files = [*(delivered.file for delivered in delivery.files if delivered.is_there), *delivery.others]
    missing = [file for file in files if file.path not in contents]
    for file, data in zip(missing, run.context.storage.raw.read_many(missing), strict=True):
        if not isinstance(data, Unreadable):
            yield file.path, content_of(data)
    for delivered in delivery.files:
        content = contents.get(delivered.file.path)
        if isinstance(content, FileContent):
            yield delivered.file.path, content


def _state_of(faults: Sequence[Fault]) -> PackageState:
    return PackageState.WAITING if all(fault.may_come for fault in faults) else PackageState.REFUSED


def _only(files: ReadFiles, paths: set[str]) -> ReadFiles:
    """What became of these files, without the others and their rows."""
    outcomes = [outcome for outcome in files.outcomes if outcome.version.path in paths]
    same = [version for version in files.fetched.same if version.path in paths]
    read = files.read
    if len(outcomes) < len(files.outcomes):
        ids = [outcome.version.file_id for outcome in outcomes]
        read = ReadBatch(
            _of_files(read.accepted, FILE_ID, ids), _of_files(read.rejected, "file_id", ids), read.verdicts
        )
    return replace(files, outcomes=outcomes, read=read, fetched=replace(files.fetched, same=same))


def _of_files(rows: Rows, column: str, file_ids: Sequence[str]) -> Rows:
    if isinstance(rows, pa.Table):
        return rows.filter(pc.is_in(rows[column], pa.array(file_ids, pa.string())))
    return rows if file_ids else rows.schema.empty_table()  # what is read in pieces is of one file


def _left_out(run: Run, ledger: FileVersions, package: Loadable) -> Iterator[Change]:
    """What the revision before had and this one does not list leaves `raw`."""
    listed = {delivered.file.path for delivered, _ in package.files}
    for source in package.delivery.package.sources.values():
        gone = [
            version
            for path in sorted(package.before.keys() - listed)
            if (version := ledger.current(source.name, path)) is not None and version.in_raw
        ]
        if gone:
            yield from removal(source, gone)
            yield note_files(_withdrawn(run, version) for version in gone)


def _withdrawn(run: Run, version: FileVersion) -> FileVersion:
    ended = version.ended_at or run.now
    return replace(version, state=FileState.WITHDRAWN, in_raw=False, dismissed=True, ended_at=ended)
