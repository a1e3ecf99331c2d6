"""The catalogs that a lake may have: a file of SQLite, or AWS Glue."""

from typing import Any

from pyiceberg.catalog import Catalog

from vending_platform import aws
from vending_platform.environment import LakeCatalog
from vending_platform.lake import file_io
from vending_platform.lake.opening import Lake, catalog_file

_WAIT_SECONDS = 60
"""How long a commit waits for another process that has SQLite's file; a commit holds it for milliseconds."""


def open_catalog(lake: Lake) -> Catalog:
    properties: dict[str, Any] = {
        "py-io-impl": f"{file_io.__name__}.{file_io.PlaceFileIO.__name__}",
        file_io.PLACE: lake.place,
        file_io.LOCATION: lake.location,
        "warehouse": lake.location,
    }
    match lake.settings.catalog:
        case LakeCatalog.SQLITE:
            from pyiceberg.catalog.sql import SqlCatalog

            return SqlCatalog(
                "lake",
                uri=f"sqlite:///{catalog_file(lake.settings)}?timeout={_WAIT_SECONDS}",
                **properties,
            )
        case LakeCatalog.GLUE:
            from pyiceberg.catalog.glue import GlueCatalog

            assert lake.environment.aws is not None, "a catalog in AWS is declared only where there is an account"
            return GlueCatalog("lake", client=aws.client(lake.environment.aws, "glue"), **properties)
