"""A table of the emulated DynamoDB that is extracted, and what its deliveries have of it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform.catalog import Source, catalog_of
from vending_platform.environment import ItemTableSettings
from vending_platform.extraction import ChosenDays, Extracted, ExtractionPoint
from vending_platform.extraction.dynamodb import ExportPoint, ItemTable, extract, item_table
from vending_platform.extraction.dynamodb.documents import canonical
from vending_platform_tests.catalog.test_contract import manifest_of
from vending_platform_tests.emulators.aws import BUCKET, REGION
from vending_platform_tests.emulators.dynamodb import ExportEmulator, Item
from vending_platform_tests.extraction.places import ExtractionFolder

EXPORTS = f"s3://{BUCKET}/raw-data/internal/dynamodb-exports"
KEY = {"pk": {"data_type": "text", "required": True}, "sk": {"data_type": "text", "required": True}}
MARK = {"is_deleted": {"data_type": "boolean"}}
REFUNDS = {
    **KEY,
    "kind": {"data_type": "text"},
    "amount": {"data_type": "integer"},
    "share": {"data_type": "decimal(38,10)"},
    "is_paid": {"data_type": "boolean"},
    "made_on": {"data_type": "date"},
    "requested_at": {"data_type": "timestamp"},
    "note": {"data_type": "text"},
    "photo": {"data_type": "text"},
    **MARK,
}
VISITS = {**KEY, "machine": {"data_type": "text"}, "shown_at": {"data_type": "timestamp", "time_zone": "Asia/Tokyo"}}


def sources_of(**declared: tuple[dict[str, Any], dict[str, Any]]) -> tuple[Source, ...]:
    """Contracts for items of the table: of each its columns, and what `extract` says beside the table."""
    files = {"delivery": "append", "format": "parquet", "key": ["pk", "sk"]}
    manifest = manifest_of(
        **{
            name: {"files": files | {"names": [f"app/{name}_{{any}}.parquet"]}, "columns": columns}
            for name, (columns, _) in declared.items()
        }
    )
    for name, (_, extract_) in declared.items():
        manifest["sources"][f"source.p.shop.{name}"]["config"]["meta"]["extract"] = {"dynamodb": "app"} | extract_
    return catalog_of(manifest).sources


BOTH = sources_of(
    refunds=(REFUNDS, {"where": {"kind": "refund"}, "deleted": "is_deleted"}),
    visits=(VISITS | MARK, {"where": {"sk": "VISIT#*"}, "deleted": "is_deleted"}),
)


@dataclass
class ExtractedItems(ExtractionFolder):
    """The table `name`, and a folder with the places of its extractions."""

    emulator: ExportEmulator
    name: str
    folder: Path
    sources: tuple[Source, ...] = BOTH
    is_scanned: bool = False
    on_point: Callable[[ExtractionPoint], None] = lambda _: None
    on_export_point: Callable[[ExportPoint], None] = lambda _: None
    waited: list[float] = field(default_factory=list)

    @property
    def table(self) -> ItemTable:
        exports = None if self.is_scanned else f"{EXPORTS}/{self.name}"
        settings = ItemTableSettings(
            table=self.name,
            region=REGION,
            endpoint=self.emulator.aws.endpoint,
            exports=exports,
            wait_minutes=5,
            warn_days=7,
            scan_units=10_000,
        )
        made = item_table("app", settings, None)
        return ItemTable(
            **{key: getattr(made, key) for key in ("name", "settings", "target")},
            now=lambda: self.emulator.now,
            sleep=self.waited.append,
            on_point=self.on_export_point,
        )

    def extract(self, *names: str, days: ChosenDays | None = None) -> list[Extracted]:
        chosen = [source for source in self.sources if not names or source.name in names]
        return extract(self.table, chosen, self.place, days, declared=self.sources)

    def put(self, pk: str, sk: str, **attributes: Any) -> None:
        """Attributes in DynamoDB's JSON, or texts."""
        item = {name: {"S": value} if isinstance(value, str) else value for name, value in attributes.items()}
        self.emulator.client.put_item(TableName=self.name, Item={"pk": {"S": pk}, "sk": {"S": sk}} | item)

    def delete(self, pk: str, sk: str) -> None:
        self.emulator.client.delete_item(TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def source(self, name: str) -> Source:
        return next(source for source in self.sources if source.name == name)

    def deliveries(self, name: str) -> list[Path]:
        return sorted(self.raw.glob(f"app/{name}_*.parquet"))

    def now(self, name: str) -> list[dict[str, Any]]:
        """What the deliveries say that there is: of each key its last row, if it is not deleted."""
        last: dict[tuple[str, str], dict[str, Any]] = {}
        for path in self.deliveries(name):
            for row in pq.read_table(path).to_pylist():
                last[row["pk"], row["sk"]] = row
        return [row for _, row in sorted(last.items()) if not row.pop("is_deleted", False)]

    def keys(self, name: str) -> list[tuple[str, str]]:
        return [(row["pk"], row["sk"]) for row in self.now(name)]


def text_of(value: Item | None) -> str | None:
    """What a column of type text has of an attribute."""
    if value is None:
        return None
    ((kind, inner),) = value.items()
    match kind:
        case "NULL":
            return None
        case "B":
            return base64.b64decode(inner).hex().upper()
        case "BOOL":
            return str(inner).lower()
        case "S" | "N":
            return str(inner)
    (text,) = canonical(pa.array([json.dumps(value)])).to_pylist()
    return str(text)
