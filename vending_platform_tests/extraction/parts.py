"""A database of a test as something to extract from: contracts as they are proposed, places, and what is delivered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from vending_platform.catalog import Catalog, ExtractTable, Source, catalog_of
from vending_platform.environment import DatabaseSettings
from vending_platform.extraction import (
    ChosenDays,
    ExtractionPoint,
    ExtractionSummary,
    extract,
    mysql,
)
from vending_platform_tests.emulators.mariadb import PASSWORD, READER, MariaDb
from vending_platform_tests.extraction.places import ExtractionFolder


def settings_of(server: MariaDb, database: str, **others: Any) -> DatabaseSettings:
    url = server.url(database, f"{READER}:{PASSWORD.replace(' ', '%20')}")
    return DatabaseSettings(
        **{"url": url, "secret": None, "is_verified": False, "authority": None, "statement_minutes": 5} | others
    )


def contracts(proposal: str) -> Catalog:
    """What a proposal declares, as dbt's manifest would hold it."""
    manifest: dict[str, Any] = {"sources": {}, "nodes": {}, "exposures": {}, "child_map": {}, "parent_map": {}}
    for source in yaml.safe_load(proposal)["sources"]:
        for table in source["tables"]:
            columns = {
                column["name"]: {
                    "name": column["name"],
                    "data_type": column["data_type"],
                    "description": column["description"],
                    "config": {"meta": column.get("config", {}).get("meta", {})},
                }
                for column in table["columns"]
            }
            unique_id = f"source.test.{source['name']}.{table['name']}"
            manifest["sources"][unique_id] = {
                "unique_id": unique_id,
                "source_name": source["name"],
                "name": table["name"],
                "identifier": table["name"],
                "schema": source["schema"],
                "original_file_path": "models/sources.yml",
                "description": table["description"],
                "config": table["config"],
                "columns": columns,
            }
    return Catalog(tuple(catalog_of(manifest).sources))


@dataclass
class ExtractedDatabase(ExtractionFolder):
    """One database, and a folder with the places of its extractions."""

    server: MariaDb
    database: str
    folder: Path
    sources: tuple[Source, ...] = ()
    on_point: Callable[[ExtractionPoint], None] = lambda _: None

    @property
    def settings(self) -> DatabaseSettings:
        return settings_of(self.server, self.database)

    def run(self, *statements: str) -> None:
        self.server.run(*statements, database=self.database)

    def propose(self, **extract: Any) -> None:
        """Takes the proposed contracts, with these values in the place of those of `extract`."""
        self.sources = tuple(
            source
            if not extract or not isinstance(source.extract, ExtractTable) or source.extract.watermark is None
            else source.model_copy(update={"extract": source.extract.model_copy(update=extract)})
            for source in contracts(mysql.proposed("db", self.settings, None))
        )

    def propose_always_comparing(self) -> None:
        """Every extraction looks for deleted rows."""
        self.propose(compare_keys=timedelta(0))

    def extract(self, days: ChosenDays | None = None) -> ExtractionSummary:
        system = mysql.system("db", self.settings, None)
        return ExtractionSummary(tuple(extract(system, self.sources, self.place, days)))

    def source(self, table: str) -> Source:
        return next(source for source in self.sources if source.name == f"db_{table}")

    def now(self, table: str) -> list[tuple[Any, ...]]:
        """What the deliveries say that the table holds: of each key its last row, if it is not deleted; as text."""
        source = self.source(table)
        files = sorted(
            path for path in self.raw.rglob("*.parquet") if source.match(path.relative_to(self.raw).as_posix())
        )
        extract = source.extract
        assert isinstance(extract, ExtractTable)
        if extract.watermark is None:
            files = files[-1:]
        last: dict[tuple[Any, ...], dict[str, Any]] = {}
        for path in files:
            for row in pq.read_table(path).to_pylist():
                last[tuple(row[source.column(name).text_in_header] for name in source.files.key)] = row
        mark = extract.deleted
        return sorted(
            (
                tuple(_shown(value) for name, value in row.items() if name != mark)
                for row in last.values()
                if not row.get(str(mark))
            ),
            key=str,
        )

    def truth(self, table: str) -> list[tuple[Any, ...]]:
        """What the table holds, by an ordinary client."""
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("set time_zone = '+00:00'")
            cursor.execute(f"select * from `{table}`")
            return sorted((tuple(map(str, row)) for row in cursor.fetchall()), key=str)


def _shown(value: object) -> str:
    return str(value).removesuffix("+00:00")
