"""The files of a day of an export: written under names by their content, and read back before they count."""

import hashlib

from pydantic import TypeAdapter

from vending_platform.catalog import Export
from vending_platform.errors import Unavailable
from vending_platform.exporting.contents import ExportRows, RawFile
from vending_platform.exporting.encoding import NotEncodable, Replaced, count_rows, encoded
from vending_platform.exporting.manifest import Part, RawFiles, path_of
from vending_platform.exporting.shaping import FileRows, shaped
from vending_platform.storage import Place

_RAW_FILES = TypeAdapter(list[RawFile])


class ExportError(Unavailable):
    """An export could not be made; the old one is untouched."""


def write_day(export: Export, place: Place, content: ExportRows) -> list[Part] | NotEncodable:
    """The files; none where there are no rows, or why they can't be written: then not one of them is."""
    try:
        pieces = [(piece, *encoded(piece.rows, export)) for piece in shaped(export, content.rows)]
    except NotEncodable as problem:
        return problem
    if not pieces:
        return []
    raw_files = write_raw_files(export, place, content)
    return [_write_piece(export, place, content, *piece, raw_files) for piece in pieces]


def write_raw_files(export: Export, place: Place, content: ExportRows) -> RawFiles:
    listed = _RAW_FILES.dump_json(content.raw_files, indent=1)
    sha256 = hashlib.sha256(listed).hexdigest()
    path = f"{export.name}/raw-files/{content.build.key or 'all'}_{sha256[:8]}.json"
    place.write(path, listed)
    return RawFiles(path, len(content.raw_files), sha256)


def _write_piece(
    export: Export,
    place: Place,
    content: ExportRows,
    piece: FileRows,
    written: bytes,
    replaced: tuple[Replaced, ...],
    raw_files: RawFiles,
) -> Part:
    build = content.build
    sha256 = hashlib.sha256(written).hexdigest()
    path = path_of(export, build.key, piece.split, sha256)
    place.write(path, written)
    back = b"".join(place.read_path(path))
    if hashlib.sha256(back).hexdigest() != sha256 or count_rows(back, export) != piece.rows.num_rows:
        raise ExportError(f"{path} does not hold what was written to it; the old export stays")
    return Part(
        day=build.key,
        path=path,
        rows=piece.rows.num_rows,
        bytes=len(written),
        sha256=sha256,
        raw_version=build.raw_version,
        raw_files=raw_files,
        built_at=build.built_at,
        split=piece.split,
        suppressed_rows=piece.suppressed,
        replaced=replaced,
        checks_passed=build.checks_passed,
        raw_days=content.raw_days,
    )
