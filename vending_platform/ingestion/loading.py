"""Deliveries, a batch at a time: bytes are read and hashed, rows validated, and all of it is published as one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from vending_platform.catalog import Source
from vending_platform.ingestion import quarantine
from vending_platform.ingestion.batch_reading import ReadBatch, Verdict, nothing_read, read_large, read_small
from vending_platform.ingestion.context import IngestionContext, Summary, Watcher
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.outcome import Origin, Outcome, changes_for, note_days
from vending_platform.ingestion.planning import batches
from vending_platform.ingestion.reading import (
    SMALL,
    FileContent,
    FileProblem,
    Readable,
    content_of,
    prepare,
    spool,
)
from vending_platform.ingestion.validation import (
    FileFacts,
    Validator,
    validation_engine,
)
from vending_platform.ledger import (
    Delivered,
    FileState,
    FileVersion,
    FileVersions,
    file_id,
    note_files,
)
from vending_platform.prefetch import prefetched
from vending_platform.storage import Unreadable
from vending_platform.warehouse import Change, WarehouseError


@dataclass(frozen=True)
class Candidate:
    """A file whose bytes are here, and which is not the content that its path had before."""

    delivered: Delivered
    content: FileContent
    before: FileVersion | None
    file_id: str

    @property
    def facts(self) -> FileFacts:
        return FileFacts(self.file_id, self.delivered.parts.sender, self.delivered.parts.business_date)


@dataclass(frozen=True)
class Fetched:
    """The contents of a batch that are new under their path, numbered; how each can be read, or why it can't; what was
    only delivered again; and paths with the reason why there is no content."""

    candidates: dict[int, Candidate]
    readables: dict[int, Readable]
    problems: dict[int, FileProblem]
    same: list[FileVersion]
    unreadable: list[tuple[str, str]]


@dataclass(frozen=True)
class ReadFiles:
    """What became of files of one source that were read together: the rows, and each file's new version."""

    source: Source
    outcomes: list[Outcome]
    read: ReadBatch
    fetched: Fetched


@dataclass(frozen=True)
class Loader:
    """Loads into one run: `publish` is how a change becomes visible, `summary` is what the run reports afterwards."""

    context: IngestionContext
    ledger: FileVersions
    summary: Summary
    watcher: Watcher
    now: datetime
    publish: Callable[[Sequence[Change]], None]

    def load(self, deliveries: Iterable[Delivered], *, again: bool = False) -> None:
        """`again` also loads what has the content that the ledger knows."""
        deliveries = list(deliveries)
        if not deliveries:
            return
        total, done = sum(d.file.size for d in deliveries), 0
        self.watcher.on_progress(done, total)
        with validation_engine() as engine, closing(prefetched(self._fetched(batches(deliveries), again))) as ahead:
            for batch, fetched in ahead:
                self._load_batch(batch, fetched, Validator(batch[0].source, engine), again)
                done += sum(d.file.size for d in batch)
                self.watcher.on_progress(done, total)

    def _fetched(
        self, planned: Iterable[Sequence[Delivered]], again: bool
    ) -> Iterator[tuple[Sequence[Delivered], Fetched | None]]:
        """Each batch with what was fetched for it. A large file is not: it goes through a scratch file, and what is
        done ahead leaves no trace."""
        for batch in planned:
            is_large = batch[0].file.size > SMALL
            yield batch, None if is_large else self.fetch_small(batch, again)

    def _load_batch(
        self, batch: Sequence[Delivered], fetched: Fetched | None, validator: Validator, again: bool
    ) -> None:
        with ExitStack() as afterwards:
            if fetched is None:
                fetched = self.fetch_large(batch[0], again, afterwards)
            files = self.read(batch, fetched, validator, afterwards)
            if files is None:
                self._load_each(batch, validator, again)
                return
            if changes := self.changes(files):
                self.publish(changes)
            self.report(files)

    def _load_each(self, batch: Sequence[Delivered], validator: Validator, again: bool) -> None:
        for delivered in batch:
            self._load_batch([delivered], self.fetch_small([delivered], again), validator, again)

    def fetch_small(self, batch: Sequence[Delivered], again: bool) -> Fetched:
        return self.fetch(batch, self._contents(batch), again)

    def fetch_large(self, delivered: Delivered, again: bool, afterwards: ExitStack) -> Fetched:
        return self.fetch([delivered], [self.spooled(delivered, afterwards)], again)

    def read(
        self, batch: Sequence[Delivered], fetched: Fetched, validator: Validator, afterwards: ExitStack
    ) -> ReadFiles | None:
        """What became of the files of a batch; None if each has to be read by itself."""
        source, candidates, readables = batch[0].source, fetched.candidates, fetched.readables
        for number, readable in readables.items():
            if readable.content.path is not None and readable.content.path != candidates[number].content.path:
                afterwards.callback(readable.content.path.unlink, missing_ok=True)
        if len(batch) > 1 and any(readable.is_large for readable in readables.values()):
            return None  # what was packed may be much more than the files
        verdicts = {number: Verdict(problem=str(problem)) for number, problem in fetched.problems.items()}
        self.watcher.on_step(CrashPoint.READ)
        origins = {n: _origin(candidates[n], readable) for n, readable in readables.items()}
        facts = [candidate.facts for candidate in candidates.values()]
        try:
            if any(readable.is_large for readable in readables.values()):
                read = read_large(
                    source, validator, readables[0], origins[0], facts[0], self.context.scratch, afterwards
                )
            else:
                read = read_small(source, validator, readables, origins, facts)
        except (duckdb.OperationalError, duckdb.FatalException, duckdb.InternalError) as error:
            # This computer's trouble, such as a full disk, and none of these files'.
            raise WarehouseError(f"rows can't be validated: {' '.join(str(error).split())}") from error
        except duckdb.Error as error:
            # A value that no rule foresaw must not stop the others: each file by itself shows which one it is in.
            if len(batch) > 1:
                return None
            verdict = Verdict(problem=f"the rules of its contract can't be applied to it: {error}")
            read = nothing_read(source, dict.fromkeys(readables, verdict))
        verdicts |= read.verdicts
        self.watcher.on_step(CrashPoint.VALIDATED)
        outcomes = [self._outcome(candidates[n], readables.get(n), verdicts[n]) for n in candidates]
        return ReadFiles(source, outcomes, read, fetched)

    def changes(self, files: ReadFiles) -> list[Change]:
        """What they change, once the bytes of what was not wholly accepted are kept."""
        for outcome in files.outcomes:
            if not outcome.version.is_wholly_accepted and quarantine.keep(self.context.storage.work, outcome.content):
                self.watcher.on_step(CrashPoint.KEPT)
        changes = [note_files(files.fetched.same)] if files.fetched.same else []
        if files.outcomes:
            changes += changes_for(files.source, files.outcomes, self.ledger, files.read.accepted, files.read.rejected)
            touched = [out.version for out in files.outcomes if out.version.state is not FileState.SUPERSEDED]
            changes.append(note_days(self.context.catalog, touched))
        return changes

    def fetch(self, batch: Sequence[Delivered], contents: Iterable[FileContent | Unreadable], again: bool) -> Fetched:
        fetched = Fetched({}, {}, {}, [], [])
        for delivered, content in zip(batch, contents, strict=True):
            source, file = delivered.source, delivered.file
            if isinstance(content, Unreadable):
                fetched.unreadable.append((file.path, str(content)))
                continue
            identity = file_id(source.name, file.path, content.sha256)
            before = self.ledger.current(source.name, file.path)
            if before is not None and not again and before.is_result_of(identity, delivered.parts):
                state = FileState.QUARANTINED if before.reason else FileState.LOADED
                fetched.same.append(replace(before, state=state, etag=file.etag, modified_at=file.modified_at))
                continue
            number = len(fetched.candidates)
            fetched.candidates[number] = Candidate(delivered, content, before, identity)
            try:
                fetched.readables[number] = prepare(source, content, number, self.context.scratch)
            except FileProblem as problem:
                fetched.problems[number] = problem
        return fetched

    def _contents(self, batch: Sequence[Delivered]) -> Iterator[FileContent | Unreadable]:
        if all(delivered.is_there for delivered in batch):
            for data in self.context.storage.raw.read_many(delivered.file for delivered in batch):
                yield data if isinstance(data, Unreadable) else content_of(data)
            return
        for delivered in batch:
            try:
                content = content_of(b"".join(self._chunks(delivered)))
            except Unreadable as problem:
                yield problem
            else:
                yield content

    def spooled(self, delivered: Delivered, afterwards: ExitStack) -> FileContent | Unreadable:
        try:
            content = spool(self._chunks(delivered), self.context.scratch)
        except Unreadable as problem:
            return problem
        assert content.path is not None
        afterwards.callback(content.path.unlink)
        return content

    def _chunks(self, delivered: Delivered) -> Iterator[bytes]:
        if delivered.is_there:
            return self.context.storage.raw.chunks(delivered.file)
        known = self.ledger.current(delivered.source.name, delivered.file.path)
        assert known is not None  # what is not there is only known from the ledger
        return quarantine.kept(self.context.storage.work, known.sha256)

    def _outcome(self, candidate: Candidate, readable: Readable | None, verdict: Verdict) -> Outcome:
        delivered, known = candidate.delivered, self.ledger.version(candidate.file_id)
        state = FileState.LOADED if verdict.problem is None else FileState.QUARANTINED
        if candidate.before is not None and not delivered.is_there:
            state = candidate.before.state
        version = FileVersion(
            file_id=candidate.file_id,
            source=delivered.source.name,
            path=delivered.file.path,
            sender=delivered.parts.sender,
            business_date=delivered.parts.business_date,
            size=candidate.content.size,
            etag=delivered.file.etag,
            modified_at=delivered.file.modified_at,
            sha256=candidate.content.sha256,
            contract_hash=delivered.source.reading_hash,
            encoding=readable.encoding if readable is not None else None,
            state=state,
            in_raw=verdict.problem is None,
            dismissed=False,
            rows_accepted=verdict.accepted,
            rows_rejected=verdict.rejected,
            reason=verdict.problem,
            drift=readable.layout.drift if readable is not None and verdict.problem is None else None,
            first_seen_at=known.first_seen_at if known is not None else self.now,
            loaded_at=self.now,
            ended_at=None,
            run_id=self.summary.run_id,
        )
        return Outcome(version, candidate.before, candidate.content)

    def report(self, files: ReadFiles) -> None:
        for outcome in files.outcomes:
            version = outcome.version
            (self.summary.loaded if version.in_raw else self.summary.quarantined).append(version)
            if outcome.before is not None and outcome.before.file_id != version.file_id:
                self.summary.corrected.add(version.file_id)
        self.summary.same_again.extend(files.fetched.same)
        self.summary.unreadable.extend(files.fetched.unreadable)


def _origin(candidate: Candidate, readable: Readable) -> Origin:
    delivered = candidate.delivered
    return Origin(
        candidate.file_id,
        delivered.source.name,
        delivered.file.path,
        delivered.parts.business_date,
        readable.content,
        readable.encoding,
        readable.has_offsets,
    )
