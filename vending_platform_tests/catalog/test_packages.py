"""What contracts have to declare so that their files are one package, and the schema that manifests follow."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from vending_platform.catalog import Catalog, NameParts, Package
from vending_platform.catalog.package import packages_of
from vending_platform.ingestion.packages.manifest import SCHEMA, json_schema
from vending_platform_tests.ingestion.packages import CATALOG, FOLDER, contract

MANIFEST = f"{FOLDER}/manifest.json"


def member(**changes: Any) -> dict[str, Any]:
    return {"name": "monthly", "manifest": MANIFEST, "kind": "B", "complete_within": "12h"} | changes


def test_sources_of_one_name_are_one_package() -> None:
    (package,) = CATALOG.packages
    assert (package.name, package.sender_name, package.complete_within) == ("monthly", "shop", timedelta(hours=12))
    assert {kind: source.name for kind, source in package.sources.items()} == {"B": "bills", "L": "lines"}
    assert package.required == {"B"}
    assert package.path_of_manifest("north", date(2024, 3, 1)) == "month=202403/north/manifest.json"
    of_path = CATALOG.identify_package
    assert of_path("month=202403/north/manifest.json") == (package, NameParts("north", date(2024, 3, 1)))
    assert of_path("month=202403/north/L_north_2403.txt") == (package, NameParts("north", date(2024, 3, 1)))
    assert of_path("month=202499/north/manifest.json") is None
    assert of_path("notes.txt") is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"manifest": "manifest.json"}, "its manifest's path names the sender, and the day or the month"),
        ({"manifest": f"{FOLDER}/{{any}}.json"}, "{any} can't be in its manifest's path"),
        ({"manifest": "other={yyyymm}/{shop}/manifest.json"}, "its files lie in the folder of its manifest"),
        ({"name": "No Name"}, "can't be a package's name"),
        ({"complete_within": "soon"}, "is not a duration"),
    ],
)
def test_what_a_package_can_not_be(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("{", r"\{").replace("}", r"\}")):
        contract("bills", "B", package=member(**changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "B"}, "package.kind: 'B' is also the kind of source bills"),
        ({"kind": "L", "complete_within": "1h"}, "package.complete_within: differs from that of source bills"),
    ],
)
def test_members_agree(changes: dict[str, Any], why: str) -> None:
    sources = [contract("bills", "B", package=member()), contract("lines", "L", package=member(**changes))]
    (problem,) = packages_of(sources)
    assert not isinstance(problem, Package)
    assert why in problem


def test_a_catalog_without_packages_has_none() -> None:
    assert Catalog((contract("bills", "B", package=None),)).packages == ()


def test_the_shipped_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()
