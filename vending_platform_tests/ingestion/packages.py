"""Packages for tests: two kinds of files that a shop sends each month, with their manifest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from vending_platform.catalog import Catalog, Source
from vending_platform_tests.ingestion.raw_folder import RawFolder

FOLDER = "month={yyyymm}/{shop}"
KINDS = {"bills": "B", "lines": "L"}
SHOPS = ("north", "south")


def contract(name: str, kind: str, **changes: Any) -> Source:
    files: dict[str, Any] = {
        "sender": {"name": "shop"},
        "names": [f"{FOLDER}/{kind}_{{shop}}_{{yymm}}.txt"],
        "package": {
            "name": "monthly",
            "manifest": f"{FOLDER}/manifest.json",
            "kind": kind,
            "required": kind == "B",
            "complete_within": "12h",
        },
        "delivery": "monthly",
        "key": ["id"],
        "delimiter": "tab",
        "quote": "none",
        "has_header": False,
        "encodings": ["cp932"],
    }
    return Source.model_validate(
        {
            "name": name,
            "schema_name": "raw",
            "declared_in": "here",
            "files": files | changes,
            "columns": [
                {"name": "id", "type": "text", "required": True},
                {"name": "amount", "type": "integer"},
                {"name": "note", "type": "text"},
            ],
        }
    )


CATALOG = Catalog(tuple(contract(name, kind) for name, kind in KINDS.items()))


def rows(*amounts: object) -> bytes:
    return "".join(f"{number}\t{amount}\t備考\n" for number, amount in enumerate(amounts, 1)).encode("cp932")


def folder(shop: str = "north", month: str = "2024-01") -> str:
    return f"month={month.replace('-', '')}/{shop}"


def name(kind: str, shop: str = "north", month: str = "2024-01") -> str:
    return f"{kind}_{shop}_{month[2:].replace('-', '')}.txt"


def files_of(contents: Mapping[str, bytes], shop: str = "north", month: str = "2024-01") -> dict[str, bytes]:
    """By path, what is to lie in the folder for these contents by kind."""
    return {f"{folder(shop, month)}/{name(kind, shop, month)}": content for kind, content in contents.items()}


def manifest_of(
    contents: Mapping[str, bytes], revision: int = 1, shop: str = "north", month: str = "2024-01", **changes: object
) -> dict[str, Any]:
    return {
        "version": 1,
        "package": "monthly",
        "sender": shop,
        "period": month,
        "revision": revision,
        "files": [
            {
                "name": name(kind, shop, month),
                "kind": kind,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "rows": content.count(b"\n"),
            }
            for kind, content in contents.items()
        ],
        **changes,
    }


def package(
    contents: Mapping[str, bytes], revision: int = 1, shop: str = "north", month: str = "2024-01", **changes: object
) -> dict[str, bytes]:
    manifest = json.dumps(manifest_of(contents, revision, shop, month, **changes)).encode()
    return {**files_of(contents, shop, month), f"{folder(shop, month)}/manifest.json": manifest}


ONE = {"B": rows(1, 2), "L": rows(10, 20, 30)}
TWO = {"B": rows(1, 5), "L": rows(10, 20, 30, 40)}


def held(raw_folder: RawFolder, shop: str = "north") -> dict[str, list[int]]:
    """By source, the amounts that are in raw."""
    return {
        source: [
            row["amount"]
            for row in raw_folder.rows(
                f"select amount from raw.{source} where _file_id in"
                f" (select file_id from raw._files where sender = '{shop}') order by _business_date, id"
            )
        ]
        for source in KINDS
    }


def finding(raw_folder: RawFolder) -> tuple[str, int | None, int | None, str | None]:
    ((state, found, revision, reason),) = [
        tuple(row.values())
        for row in raw_folder.rows("select state, found_revision, revision, reason from raw._packages")
    ]
    return state, found, revision, reason
