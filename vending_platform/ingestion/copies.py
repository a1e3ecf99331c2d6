"""Files with the same bytes as another one: their rows are there twice, and count once."""

from collections import defaultdict
from collections.abc import Iterable

from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.ledger import FileVersion, FileVersions


def copies(catalog: Catalog, before: FileVersions, loaded: Iterable[FileVersion]) -> list[tuple[str, str]]:
    """Of the files that were loaded, the paths of those that hold what another file of their source holds, each with
    that one's path. Not of masters, where the same content again is no new version, nor where duplicates are wanted."""
    counting = {
        source.name
        for source in catalog
        if source.files.delivery is not DeliveryMode.SNAPSHOT and source.files.duplicates != "keep"
    }
    loaded = [version for version in loaded if version.source in counting and version.rows_accepted]
    if not loaded:
        return []
    now = {(version.source, version.path): version for version in before.with_content(v.sha256 for v in loaded)}
    now |= {(version.source, version.path): version for version in loaded}
    paths: dict[tuple[str, str], list[str]] = defaultdict(list)
    for version in now.values():
        paths[version.source, version.sha256].append(version.path)
    return [
        (version.path, min(path for path in same if path != version.path))
        for version in sorted(loaded, key=lambda version: version.path)
        if len(same := paths[version.source, version.sha256]) > 1
    ]
