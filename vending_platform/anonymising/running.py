"""A run: it finds the people, then divides every file, replaces them, searches the result, and writes what is new."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from vending_platform.anonymising.fields import personal_columns, pieces, suspected, unfit
from vending_platform.anonymising.opening import AnonymisingError
from vending_platform.anonymising.searching import People, Search
from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.ingestion import EVERYTHING, Selection, discover
from vending_platform.ingestion.reading import SMALL, FileContent, FileProblem, content_of, spool
from vending_platform.ingestion.reading.decoding import encoding_of
from vending_platform.ledger import Delivered
from vending_platform.pseudonyms import Pseudonyms
from vending_platform.storage import Place, StoredFile, Unreadable

_WRITES_AT_ONCE = 16
_ODD_PATH = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f\\]")
"""Not a path below the place, or one that a place could confuse with another."""


@dataclass(frozen=True)
class LeftOut:
    """A file that was not copied. `is_still_there`: an earlier run copied it, when it had no problem."""

    path: str
    reason: str
    is_still_there: bool = False


@dataclass
class Anonymised:
    """What a run did, for the person who started it. Nothing in it is personal, unless a path is."""

    files: int = 0
    """Files that were selected and that a contract declares."""
    written: int = 0
    unchanged: int = 0
    """Files that were at the target already, with the same content."""
    people: int = 0
    """Different names and numbers that were searched for everywhere."""
    too_short: int = 0
    """Names and numbers too short to be distinctive, which were replaced only in columns that contracts mark as
    personal."""
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class _Made:
    path: str
    content: FileContent
    is_master: bool


def anonymise(
    catalog: Catalog,
    raw: Place,
    target: Place,
    pseudonyms: Pseudonyms,
    selection: Selection = EVERYTHING,
    *,
    dry_run: bool = False,
    now: datetime | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Anonymised:
    """Copy what is selected from `raw` to `target` without the people in it. Each file is copied whole or not at all,
    and a second run changes nothing. `dry_run` does everything but write."""
    discovery = discover(catalog, raw.files(), now or datetime.now(UTC))
    chosen = [d for d in discovery.delivered if selection.takes(d.source, d.parts.business_date, d.file.path)]
    # Of a master's files the one that was written last is current, at the source and at the target.
    chosen.sort(key=lambda d: (d.file.modified_at, d.file.path))
    picked = {d.file.path for d in chosen}
    naming = [
        d
        for d in discovery.delivered
        if personal_columns(d.source) and (d.source.files.delivery is DeliveryMode.SNAPSHOT or d.file.path in picked)
    ]
    done, total = 0, sum(d.file.size for d in chain(naming, chosen))

    def proceed(batch: Sequence[Delivered]) -> None:
        nonlocal done
        done += sum(d.file.size for d in batch)
        on_progress(done, total)

    on_progress(done, total)
    people = _people(raw, naming, proceed)
    search = people.search()
    run = Anonymised(files=len(chosen), people=len(people.origins), too_short=len(people.too_short))
    run.left_out += [LeftOut(file.path, file.reason) for file in discovery.undeclared]
    there = {file.path: file for file in target.named(path for path in picked if not _ODD_PATH.search(path))}
    for batch in _batches(chosen):
        made: list[_Made] = []
        with tempfile.TemporaryDirectory() as scratch:
            for delivered, content in _with_contents(raw, batch, Path(scratch)):
                path = delivered.file.path
                try:
                    anonymous = _made(delivered, content, pseudonyms, search, Path(scratch))
                    made.append(_Made(path, anonymous, delivered.source.files.delivery is DeliveryMode.SNAPSHOT))
                except (FileProblem, Unreadable) as problem:
                    run.left_out.append(LeftOut(path, str(problem), is_still_there=path in there))
            new = list(_new(made, target, there, Path(scratch)))
            if not dry_run:
                _write(new, target)
        run.written += len(new)
        run.unchanged += len(made) - len(new)
        proceed(batch)
    return run


def _people(raw: Place, naming: Iterable[Delivered], proceed: Callable[[Sequence[Delivered]], None]) -> People:
    """All people who are named in these files."""
    people = People()
    for batch in _batches(naming):
        with tempfile.TemporaryDirectory() as scratch:
            for delivered, content in _with_contents(raw, batch, Path(scratch)):
                source = delivered.source
                if isinstance(content, Unreadable):
                    if source.files.delivery is DeliveryMode.SNAPSHOT:
                        raise AnonymisingError(
                            f"{delivered.file.path} can't be read ({content}), so it is not known which people to "
                            "search for in the other files: nothing was copied; run again once it can be read"
                        )
                    continue  # it is reported when it is to be copied
                try:
                    for piece in pieces(source, content, encoding_of(content, source.files.encodings)):
                        if piece.value is not None:
                            people.add(piece.value, piece.origin)
                except FileProblem:
                    for origin, value in suspected(source, content):
                        people.add(value, origin)
        proceed(batch)
    return people


def _made(
    delivered: Delivered, content: FileContent | Unreadable, pseudonyms: Pseudonyms, search: Search, scratch: Path
) -> FileContent:
    """The file without the people in it; `FileProblem` if it is not certain that none is left."""
    if isinstance(content, Unreadable):
        raise content
    source, path = delivered.source, delivered.file.path
    if _ODD_PATH.search(path):
        raise FileProblem("its path can't be used at the target")
    if found := search.in_text(path):
        raise FileProblem(f"its path has a personal value of {found[1]}")
    if why := unfit(source):
        raise FileProblem(why)
    encoding = encoding_of(content, source.files.encodings)
    divided = pieces(source, content, encoding)
    made = (piece.raw if piece.value is None else pseudonyms.of(piece.value).encode("ascii") for piece in divided)
    result = content_of(b"".join(made)) if content.path is None else spool(made, scratch)
    if found := search.in_content(result, encoding):
        line, origin = found
        raise FileProblem(f"line {line} has, outside of personal columns, a personal value of {origin}")
    return result


def _batches(deliveries: Iterable[Delivered]) -> Iterator[list[Delivered]]:
    """In their order, in batches that fit into memory; a large one alone."""
    batch: list[Delivered] = []
    size = 0
    for delivered in deliveries:
        if batch and size + delivered.file.size > SMALL:
            yield batch
            batch, size = [], 0
        batch.append(delivered)
        size += delivered.file.size
    if batch:
        yield batch


def _with_contents(
    raw: Place, batch: Sequence[Delivered], scratch: Path
) -> Iterator[tuple[Delivered, FileContent | Unreadable]]:
    return zip(batch, _contents(raw, [d.file for d in batch], scratch), strict=True)


def _contents(place: Place, files: Sequence[StoredFile], scratch: Path) -> Iterator[FileContent | Unreadable]:
    if len(files) == 1 and files[0].size > SMALL:
        try:
            yield spool(place.chunks(files[0]), scratch)
        except Unreadable as problem:
            yield problem
        return
    for found in place.read_many(files):
        yield found if isinstance(found, Unreadable) else content_of(found)


def _new(made: Sequence[_Made], target: Place, there: dict[str, StoredFile], scratch: Path) -> Iterator[_Made]:
    """Those that are not at the target with the same bytes."""
    of_same_size = [there[m.path] for m in made if m.path in there and there[m.path].size == m.content.size]
    hashes = {
        file.path: content.sha256
        for file, content in zip(of_same_size, _contents(target, of_same_size, scratch), strict=True)
        if isinstance(content, FileContent)
    }
    return (m for m in made if hashes.get(m.path) != m.content.sha256)


def _write(made: Sequence[_Made], target: Place) -> None:
    def write(one: _Made) -> None:
        target.write(one.path, one.content.data if one.content.data is not None else one.content.chunks())

    for one in made:
        if one.is_master:
            write(one)
    with ThreadPoolExecutor(_WRITES_AT_ONCE) as pool:
        for _ in pool.map(write, (one for one in made if not one.is_master)):
            pass
