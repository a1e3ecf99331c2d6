"""The bytes of every file that was not wholly accepted, kept by content for as long as its contract requires."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta

from vending_platform.catalog import Catalog
from vending_platform.ingestion.reading import FileContent
from vending_platform.ledger import FileVersions
from vending_platform.storage import Place

_FOLDER = "quarantine"


def keep(place: Place, content: FileContent) -> bool:
    """Keep these bytes. Whether that had to be done: they may be there already."""
    path = _path(content.sha256)
    if place.has(path):
        return False
    place.write(path, content.chunks())
    return True


def kept(place: Place, sha256: str) -> Iterator[bytes]:
    """The bytes with this hash; KeyError if they are not here."""
    return place.read_path(_path(sha256))


def has(place: Place, sha256: str) -> bool:
    return place.has(_path(sha256))


def all_kept(place: Place) -> Iterator[str]:
    """The path of everything that is kept."""
    return place.paths(_FOLDER)


def no_longer_needed(
    paths: Iterable[str], catalog: Catalog, ledger: FileVersions, of_packages: Container[str], now: datetime
) -> Iterator[str]:
    """Those of the kept paths that are no longer needed: nothing in the ledger rests on them, or their time is up.

    Time runs from when another version came, or a person dismissed it: until then a decision is still due.
    `of_packages` are the hashes of what is in packages that are refused.
    """
    keeps = {source.name: source.files.quarantine_for for source in catalog}
    for path in paths:
        sha256 = path.rsplit("/", 1)[-1]
        versions = ledger.not_wholly_accepted(sha256)
        if sha256 not in of_packages and not any(
            version.ended_at is None or now - version.ended_at < keeps.get(version.source, timedelta.max)
            for version in versions
        ):
            yield path


def _path(sha256: str) -> str:
    return f"{_FOLDER}/{sha256[:2]}/{sha256}"
