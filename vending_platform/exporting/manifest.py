"""What the manifest of an export says: which files are the export, and what each of them holds and rests on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vending_platform.catalog import NOTHING_SAID, Export, Format, Unencodable
from vending_platform.exporting.encoding import Replaced
from vending_platform.exporting.shaping import file_label
from vending_platform.storage import Place


@dataclass(frozen=True)
class RawFiles:
    """The deliveries that a day rests on, as a file beside: a list of their `path`, `file_id` and `sha256`."""

    path: str
    files: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """One file of an export. `raw_version` says what the model's build of that day rested on."""

    day: str | None
    path: str
    rows: int
    bytes: int
    sha256: str
    raw_version: str
    raw_files: RawFiles
    built_at: str = ""
    """When; a day can be built again although its deliveries are the same, because a key became known elsewhere."""
    split: str | None = None
    """The value that its rows share where the export is split; empty for the rows that have none."""
    suppressed_rows: int = 0
    """In how many of its rows something is blanked, because it is about a few only."""
    replaced: tuple[Replaced, ...] = ()
    """The texts in which 〓 stands for what the encoding lacks."""
    checks_passed: bool = True
    raw_days: dict[str, list[str]] = field(default_factory=dict)
    """Of each source of which it rests on more days than its own, the first and the last; `raw_files` then holds those
    of its own day and the masters, and `vending trace` names the others."""


@dataclass(frozen=True)
class Manifest:
    """All that a reader needs to know of an export, and to prove it."""

    name: str
    model: str
    description: str
    owner: str
    format: str
    encoding: str | None
    columns: list[dict[str, str]]
    """As in the files; `column` is the model's, where it is called otherwise."""
    parts: list[Part]
    run_id: str
    superseded: list[str] = field(default_factory=list)
    """Files of the export before this one, still there for whoever reads them."""
    contract: dict[str, Any] = field(default_factory=lambda: dict(NOTHING_SAID))
    """All else that the exposure says: headers, order, masking, for whom it is, what is suppressed."""
    unencodable: str = Unencodable.REFUSE
    partition_by: str | None = None
    """None also where an earlier version of the platform wrote it: the files tell."""
    table_uuid: str | None = None
    """Of a table of the lake: which one it is, as another one of its name has none of these rows."""

    def is_of(self, export: Export) -> bool:
        """Whether it was written as the export is declared now, with all of its files."""
        declared = (export.model, export.format, export.encoding, export.unencodable, export.contract)
        if (self.model, self.format, self.encoding, self.unencodable, self.contract) != declared:
            return False
        by_day = export.partition_by is not None
        return self.partition_by in (None, export.partition_by) and all(
            (part.day is not None) == by_day and part.path == path_of(export, part.day, part.split, part.sha256)
            for part in self.parts
        )

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


MANIFEST = TypeAdapter(Manifest)


def path_of(export: Export, day: str | None, split: str | None, sha256: str) -> str:
    if export.format is Format.ICEBERG:
        return f"{export.namespace}.{export.model}"
    label = None if split is None else file_label(split)
    stem = "_".join(filter(None, (export.file_stem, day, label, sha256[:8])))
    extension = Format.PARQUET if export.format is Format.DASHBOARD else export.format
    return f"{export.name}/{stem}.{extension}"


def paths_of(parts: Iterable[Part]) -> set[str]:
    """All files that belong to these, and the table that they are part of."""
    return {path for part in parts for path in (part.path, part.raw_files.path)}


def manifest_path(name: str) -> str:
    return f"{name}/manifest.json"


def read_manifest(place: Place, name: str) -> Manifest | None:
    """None where there is none, or one that can't be read, such as an earlier version of this platform wrote: then all
    of the export is written anew."""
    try:
        return MANIFEST.validate_json(b"".join(place.read_path(manifest_path(name))))
    except (KeyError, ValidationError):
        return None
