"""A raw folder for tests: a folder to put deliveries into, and the platform's ingestion around it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vending_platform.catalog import Catalog
from vending_platform.environment import Places
from vending_platform.ingestion import IngestionContext, Selection, Summary, Watcher, ingest, replay
from vending_platform.storage import open_storage
from vending_platform.warehouse import Warehouse
from vending_platform.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    from vending_platform_tests.emulators.accounts import Account

NOW = datetime(2024, 3, 20, tzinfo=UTC)
SALES_HEADER = "transaction_id,machine_id,slot_no,product_id,sold_at,quantity,unit_price,payment_method_id,status"
MACHINES_HEADER = (
    "machine_id,machine_name,location_name,location_type,prefecture,latitude,longitude,route_id,"
    "installed_on,removed_on,status,commission_rate"
)


def sales_row(number: int = 1, machine: str = "VM001", day: str = "2024-03-05", **other: object) -> str:
    values = {
        "transaction_id": f"{machine}-{day}-{number:04d}",
        "machine_id": machine,
        "slot_no": f"{number % 36:02d}",
        "product_id": f"P{number % 40:04d}",
        "sold_at": f"{day} {8 + number % 12:02d}:{number % 60:02d}:00",
        "quantity": 1,
        "unit_price": 130,
        "payment_method_id": "PM1",
        "status": "completed",
    } | other
    return ",".join(str(value) for value in values.values())


def sales(*rows: str, header: str = SALES_HEADER, end: str = "\n") -> bytes:
    return (end.join([header, *rows]) + end).encode()


def sales_file(machine: str = "VM001", day: str = "2024-03-05", rows: int = 5) -> bytes:
    return sales(*(sales_row(number, machine, day) for number in range(1, rows + 1)))


def machines_file(*lives: tuple[str, str, str]) -> bytes:
    """A master of machines, each with the days it was installed and removed on."""
    rows = [f"{m},Machine {m},Site,office,東京都,35.6,139.7,R1,{since},{until},active,0.1" for m, since, until in lives]
    return ("\n".join([MACHINES_HEADER, *rows]) + "\n").encode()


@dataclass
class RawFolder:
    folder: Path
    catalog: Catalog
    watcher: Watcher = field(default_factory=Watcher)
    account: "Account | None" = None
    """The Snowflake that is the warehouse, in the place of a DuckDB file."""

    @property
    def sources(self) -> Path:
        return self.folder / "sources"

    @property
    def context(self) -> IngestionContext:
        places = Places(*(str(self.folder / name) for name in ("sources", "processed", "artifacts", "work")))
        return IngestionContext(self.catalog, open_storage(places), self.warehouse, self.folder / "scratch")

    @property
    def warehouse(self) -> Warehouse:
        return DuckDBWarehouse(self.folder / "dbt_dev.duckdb") if self.account is None else self.account.warehouse()

    def deliver(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = self.sources / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".aside").write_bytes(content)
            path.with_suffix(".aside").rename(path)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.sources / name).unlink()

    def ingest(self, selection: Selection | None = None, **options: Any) -> Summary:
        return ingest(self.context, selection or Selection(), now=NOW, **options)

    def replay(self) -> Summary:
        return replay(self.context, now=NOW)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.context.warehouse.reading() as reader:
            rows: list[dict[str, Any]] = reader.query(sql).to_pylist()
            return rows

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The current version of every path."""
        return {row["path"]: row for row in self.rows("select * from raw._files where state <> 'superseded'")}

    def state(self, path: str) -> str:
        return str(self.ledger()[path]["state"])

    def kept(self) -> dict[str, bytes]:
        """What is in quarantine, by hash."""
        return {path.name: path.read_bytes() for path in (self.folder / "work").rglob("*") if path.is_file()}

    def raw(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that must not depend on how the deliveries came: rows, rejected rows, the ledger's verdicts."""
        tables = {source.name: "*" for source in self.catalog}
        tables["_rejected_rows"] = "*"
        tables["_files"] = "source, path, sha256, state, rows_accepted, rows_rejected, reason"
        with self.context.warehouse.reading() as reader:
            return {
                table: sorted(
                    (tuple(row.values()) for row in reader.query(f"select {columns} from raw.{table}").to_pylist()),
                    key=repr,
                )
                for table, columns in tables.items()
            }

    def clear(self) -> None:
        shutil.rmtree(self.folder)
        self.sources.mkdir(parents=True)
