"""The lake of one environment: its catalog, and the place of its files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vending_platform.accounts import check_account
from vending_platform.catalog import LakeNamespace
from vending_platform.environment import Environment, LakeCatalog, LakeSettings
from vending_platform.lake.errors import LakeConflict, LakeError
from vending_platform.storage import LocalPlace, Place, open_place
from vending_platform.warehouse import TableName

if TYPE_CHECKING:  # a second of imports, which only a command of the lake needs
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

NAMESPACES = tuple(namespace.value for namespace in LakeNamespace)
_CATALOG_FILE = "catalog.db"


@dataclass(frozen=True)
class Lake:
    """Nothing is opened, and nothing of the extra `lake` imported, before it is used."""

    environment: Environment
    settings: LakeSettings
    place: Place
    location: str
    """The place as the tables' metadata write it."""
    scratch: Path = field(repr=False)

    @cached_property
    def catalog(self) -> "Catalog":
        from vending_platform.lake.catalogs import open_catalog

        return open_catalog(self)

    @property
    def orphan_age(self) -> timedelta:
        """How old a file is at least that maintenance removes because no snapshot needs it."""
        return timedelta(days=self.settings.orphan_days)

    def check_in_time(self, name: TableName, written_since: float) -> None:
        """Returns if files that were written since then may be committed: none of them is near the age of orphans."""
        if time.time() - written_since > self.orphan_age.total_seconds() / 2:
            raise LakeConflict(
                f"writing {name.plain} took more than half of the {self.orphan_age} after which files without a"
                " snapshot are removed: write it in smaller pieces, or declare more orphan_days"
            )

    def database(self, namespace: str) -> str:
        """What the catalog calls a namespace."""
        return self.settings.databases + namespace

    def location_of(self, table: TableName) -> str:
        return f"{self.location}/{table.schema}/{table.name}"

    def load(self, table: TableName) -> "Table":
        """The table as it is now; `LakeError` if there is none."""
        from pyiceberg.exceptions import NoSuchTableError

        try:
            return self.catalog.load_table((self.database(table.schema), table.name))
        except NoSuchTableError:
            known = ", ".join(found.plain for found in self.tables()) or "none yet"
            raise LakeError(f"the lake has no table {table.plain}; there are: {known}") from None

    def has(self, table: TableName) -> bool:
        return self.catalog.table_exists((self.database(table.schema), table.name))

    def tables(self) -> Iterator[TableName]:
        """All of them, by namespace and name."""
        for namespace in NAMESPACES:
            database = self.database(namespace)
            if self.catalog.namespace_exists(database):
                for *_, name in sorted(self.catalog.list_tables(database)):
                    yield TableName(namespace, name)


def catalog_file(settings: LakeSettings) -> Path:
    """Where SQLite keeps the catalog of a laptop."""
    return Path(settings.warehouse).absolute() / _CATALOG_FILE


def open_lake(environment: Environment) -> Lake:
    """`LakeError` if the environment has none."""
    settings = environment.lake
    if settings is None:
        raise LakeError(
            f"{environment.domain} has no lake in {environment.name}: declare it as `lake` in environments.yml"
        )
    _check_extra()
    check_account(environment)
    place = open_place(
        settings.warehouse, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key
    )
    is_local = settings.catalog is LakeCatalog.SQLITE
    location = Path(settings.warehouse).absolute().as_uri() if is_local else settings.warehouse.rstrip("/")
    if isinstance(place, LocalPlace):
        place.folder.mkdir(parents=True, exist_ok=True)
    return Lake(environment, settings, place, location, environment.scratch / "lake")


def _check_extra() -> None:
    from importlib.util import find_spec

    if find_spec("pyiceberg") is None:
        raise LakeError("the lake needs libraries that are not installed: pip install 'vending-platform[lake]'")
