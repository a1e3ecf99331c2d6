"""What a contract may say about the system that its files come from."""

from typing import Any

import pytest

from vending_platform.catalog import ContractError, ExtractItems, ExtractTable, Source, SystemName, catalog_of
from vending_platform_tests.catalog.test_contract import manifest_of

FILES: dict[str, Any] = {"names": ["s/a_{any}.parquet"], "delivery": "append", "format": "parquet", "key": ["id"]}
COLUMNS = {
    "id": {"data_type": "text", "required": True},
    "updated_at": {"data_type": "timestamp"},
    "is_deleted": {"data_type": "boolean"},
    "rest": {"data_type": "text"},
}
TABLE = {"database": "shop", "table": "a", "watermark": "updated_at"}
ITEMS = {"dynamodb": "app", "where": {"kind": "refund", "sk": ["REFUND#*", "CLAIM#*"]}, "deleted": "is_deleted"}


def source_of(extract: dict[str, Any], **files: Any) -> Source:
    manifest = manifest_of(a={"files": FILES | files, "columns": COLUMNS})
    manifest["sources"]["source.p.shop.a"]["config"]["meta"]["extract"] = extract
    (source,) = catalog_of(manifest).sources
    return source


def test_the_key_that_names_the_system_tells_the_kind() -> None:
    table, items = source_of(TABLE).extract, source_of(ITEMS).extract
    assert isinstance(table, ExtractTable)
    assert isinstance(items, ExtractItems)
    assert (table.system, items.system) == (SystemName("database", "shop"), SystemName("dynamodb", "app"))
    assert items.where == {"kind": ("refund",), "sk": ("REFUND#*", "CLAIM#*")}
    assert items.description.startswith("Items of the DynamoDB table app whose kind is refund and sk is REFUND#* or")


@pytest.mark.parametrize(
    ("extract", "files", "problem"),
    [
        ({"table": "a"}, {}, "extract: it names no system to extract from: one of the keys database, dynamodb"),
        (TABLE | {"tabel": 1}, {}, "extract: unknown key 'tabel'; allowed: compare_keys, database, deleted, overlap"),
        (ITEMS | {"wher": {}}, {}, "extract: unknown key 'wher'; allowed: deleted, dynamodb, rest, where"),
        (ITEMS | {"table": "a"}, {}, "extract: unknown key 'table'; allowed: deleted, dynamodb, rest, where"),
        (TABLE | {"database": ""}, {}, "extract: database: String should have at least 1 character"),
        (ITEMS, {"delivery": "snapshot", "names": ["s/a_{yyyymmdd}.parquet"]}, "needs delivery 'append' for items"),
        (ITEMS, {"names": ["s/a.parquet"]}, "extract needs {any} in the name, and nothing else in braces"),
        (ITEMS, {"names": ["s/a_{any}.parquet", "s/b_{any}.parquet"]}, "extract needs exactly one name pattern"),
        (ITEMS, {"format": "csv"}, "extract writes Parquet, and format is 'csv'"),
        (ITEMS, {"duplicates": "keep"}, "duplicates can't be 'keep'"),
        (ITEMS, {"archive_after": "30d"}, "archive_after must not take them away"),
        (ITEMS | {"where": {"kind": []}}, {}, "extract: where names 'kind' without a value"),
        (ITEMS | {"deleted": "rest"}, {}, "extract: deleted names 'rest', which is text; it must be boolean"),
        (ITEMS | {"rest": "is_deleted"}, {}, "extract: rest names 'is_deleted', which is boolean; it must be text"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed(
    extract: dict[str, Any], files: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ContractError) as refused:
        source_of(extract, **files)
    assert problem in str(refused.value)
