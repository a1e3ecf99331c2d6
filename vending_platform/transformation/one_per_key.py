"""One row per key: of rows with the same key in several files (or, from before that was rejected, twice in one) one
counts, and the ledger's duplicates are the others. What the rows hold decides, never which of them came first:

- of a daily source, the row whose `day_column` lies on its file's day;
- then the later `day_column`;
- then the greater path, and within a file the greater line.

Only what has changed since the last time is compared: of a daily source the rows of days, of an appended one those of
files. The ledger has what was compared of these parts, and which of them share keys.
"""

from dataclasses import dataclass
from datetime import date

from vending_platform.catalog import Days, DeliveryMode, Source
from vending_platform.ledger import (
    MOST_PARTS,
    note_duplicates,
    note_parts,
    note_shared,
    noted_duplicates,
    parts_of_files,
    parts_that_share_keys,
    seen_parts,
    shared_parts,
    superseded_rows,
)
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.warehouse import Change, Reader


@dataclass(frozen=True)
class SameKeys:
    """Which parts of a source share keys, on which days another row counts than the last time, and how to remember
    what was compared."""

    shared: frozenset[tuple[str, str]] = frozenset()
    moved: frozenset[date | None] = frozenset()
    remember: tuple[Change, ...] = ()

    @property
    def days(self) -> set[Days]:
        """Of a daily source, every two days that share a key; a day on which one came twice stands beside itself."""
        return {(date.fromisoformat(one), date.fromisoformat(other)) for one, other in self.shared}


def same_keys(reader: Reader, source: Source, raw: RawVersions) -> SameKeys:
    seen, known = seen_parts(reader, source), shared_parts(reader, source)
    now = _parts(reader, source, raw)
    changed = {part for part in seen.keys() | now.keys() if seen.get(part) != now.get(part)}
    if not changed:
        return SameKeys(frozenset(known))
    if len(changed) > MOST_PARTS:
        changed = seen.keys() | now.keys()
    before = {link for link in known if not changed.isdisjoint(link)}
    after = parts_that_share_keys(reader, source, changed) if now else set()
    shared = known - before | after
    reached = changed | {part for link in before | after for part in link}
    noted, found = noted_duplicates(reader, source, reached), superseded_rows(reader, source, reached, shared)
    remember = (
        note_parts(source, changed, now),
        note_shared(source, before, after),
        note_duplicates(source, noted - found, found - noted),
    )
    return SameKeys(frozenset(shared), frozenset(day for _, _, day in noted ^ found), remember)


def _parts(reader: Reader, source: Source, raw: RawVersions) -> dict[str, str]:
    """Of a daily source its days, of an appended one its files, each with what changes when it does."""
    if source.files.duplicates == "keep":
        return {}
    rule = _hash_of_rule(source)
    if source.is_dated:
        return {f"{day}": f"{version} {rule}" for day, version in raw.days.get(source.name, {}).items()}
    if source.files.delivery is not DeliveryMode.APPEND:
        return {}
    return {part: f"{version} {rule}" for part, version in parts_of_files(reader, source).items()}


def _hash_of_rule(source: Source) -> str:
    """All that decides besides the rows."""
    return " ".join([*source.files.key, source.files.day_column or "" if source.compares_days else ""])
