"""Which version of a master is valid when. The rule is written here alone: ingestion applies it whenever the
ledger changes, and all others (dbt, what is stale, the trace, the status) read what came of it, `raw._master_versions`.

- A dated file (`prices_20240301.csv`) is valid from the day in its name on. What it held before never was.
- An undated file (`prices.csv`) is valid from the day on which it was stored, its modification time in Japan. What it
  held before stays valid for the days before that one, and for no others: a content that is stored under an older time
  (`cp -p`, a backup that is restored) also takes the place of what was stored for that day and for later ones.
- What can't be used changes nothing: what an undated file held before it stays valid.
- Of several versions for one day one is valid: of those whose file is still there the one that was stored last, then
  the one with the greater path.
- The same content again is not a new version: the one before it stays valid.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow as pa

from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.warehouse import Change, Reader, TableName, literal, values_of

MASTER_VERSIONS = TableName("raw", "_master_versions")
MASTER_VERSIONS_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("path", pa.string()),
        ("version_day", pa.date32()),
        ("modified_at", pa.timestamp("us", "UTC")),
        ("is_in_history", pa.bool_()),
        ("is_current_version", pa.bool_()),
    ]
)
BEGINNING = date(1900, 1, 1)
"""As `beginning_of_time` in dbt: from then on the first version that lists a key is valid for it."""


@dataclass(frozen=True, slots=True)
class MasterVersion:
    """A content of a master's file, from one of the days on which it was stored."""

    source: str
    file_id: str
    path: str
    version_day: date
    """From when on it counts."""
    modified_at: datetime
    is_in_history: bool = False
    """Whether it is valid from that day on."""
    is_current_version: bool = False
    """Whether the newest file that is there has this content: what it lists is listed now."""


@dataclass(frozen=True, slots=True)
class MasterFile:
    """What a path of a master holds now."""

    source: str
    path: str
    file_id: str
    business_date: date | None
    modified_at: datetime
    is_there: bool
    is_usable: bool
    """Whether its rows are in `raw`."""

    @property
    def version(self) -> MasterVersion:
        day = self.business_date or self.modified_at.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
        return MasterVersion(self.source, self.file_id, self.path, day, self.modified_at)


def versions_after(before: Sequence[MasterVersion], file: MasterFile) -> list[MasterVersion]:
    """The versions of one path, now that it holds this; those that are left out are never valid again."""
    version = file.version
    if file.business_date is not None:
        return [version] if file.is_usable else []
    if not file.is_usable:
        return list(before)
    return [*(other for other in before if other.version_day < version.version_day), version]


def judged(
    versions: Iterable[MasterVersion], is_there: Mapping[str, bool], contents: Mapping[str, str]
) -> list[MasterVersion]:
    """The versions of all paths of one source, with what counts. `is_there` has for each path whether its file is,
    and `contents` for each version's `file_id` what it holds."""

    def rank(version: MasterVersion) -> tuple[bool, date, datetime, str]:
        return is_there[version.path], version.version_day, version.modified_at, version.path

    def day(version: MasterVersion) -> date:
        return version.version_day

    def content(version: MasterVersion) -> str:
        return contents[version.file_id]

    in_order = sorted(
        (replace(v, is_in_history=False, is_current_version=False) for v in versions),
        key=lambda version: (version.version_day, rank(version)),
    )
    valid = [max(same, key=rank) for _, same in groupby(in_order, key=day)]
    current = max((version for version in valid if is_there[version.path]), key=rank, default=None)
    stretches = [list(same) for _, same in groupby(valid, key=content)]
    begun = {stretch[0] for stretch in stretches}
    return [
        *(version for version in in_order if version not in begun),
        *(replace(s[0], is_in_history=True, is_current_version=current in s) for s in stretches),
    ]


def valid_between(since: Sequence[date], first: date, last: date) -> range:
    """Which of the versions that count from these days on, given in order, are valid between two days: also the last
    one before, and before the first one counts, the first one. For a key, pass the versions that list it."""
    begin = max(bisect_right(since, first) - 1, 0)
    return range(begin, min(max(bisect_right(since, last), begin + 1), len(since)))


def read_versions(reader: Reader, sources: Iterable[str]) -> list[MasterVersion]:
    """What ingestion has found of these masters, in the order in which it counts."""
    if not reader.has_table(MASTER_VERSIONS):
        return []
    listed = ", ".join(map(literal, sorted(sources))) or "null"
    found = reader.query(
        f"select {', '.join(MASTER_VERSIONS_SCHEMA.names)} from {MASTER_VERSIONS} where source in ({listed})"
        " order by source, version_day, is_in_history desc, modified_at, path"
    )
    return list(map(MasterVersion, *map(values_of, found.cast(MASTER_VERSIONS_SCHEMA).columns)))


def replace_versions(source: str, versions: Iterable[MasterVersion]) -> Change:
    """These are the versions of a master, and no others."""
    versions = list(versions)
    rows = pa.table(
        [pa.array([getattr(v, column.name) for v in versions], column.type) for column in MASTER_VERSIONS_SCHEMA],
        schema=MASTER_VERSIONS_SCHEMA,
    )
    return Change(MASTER_VERSIONS, delete=pa.table({"source": [source]}), insert=rows)
