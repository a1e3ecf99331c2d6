"""What an exposure can say about an export, and what a model must say about its reach."""

from typing import Any

import pytest

from vending_platform.catalog import SAME_DAY, Catalog, Format
from vending_platform.catalog.exports import Export, exports_of
from vending_platform.catalog.models import Model, models_of

MODEL = {
    "unique_id": "model.v.mart",
    "resource_type": "model",
    "name": "mart",
    "schema": "marts",
    "original_file_path": "models/mart.sql",
    "config": {"materialized": "incremental", "meta": {"reach": "same_day"}},
    "depends_on": {"nodes": ["model.v.stg"]},
}
VIEW = MODEL | {
    "unique_id": "model.v.stg",
    "name": "stg",
    "config": {"materialized": "view", "meta": {}},
    "depends_on": {"nodes": ["source.v.s.sales", "source.v.s._files"]},
}


def manifest(
    meta: dict[str, Any] | None = None, *, nodes: tuple[str, ...] = ("model.v.mart",), **model: Any
) -> dict[str, Any]:
    return {
        "nodes": {"model.v.mart": MODEL | model, "model.v.stg": VIEW},
        "sources": {
            "source.v.s.sales": {"identifier": "sales", "config": {"meta": {"files": {}}}},
            "source.v.s._files": {"identifier": "_files", "config": {"meta": {}}},
        },
        "exposures": {
            "e": {
                "name": "daily",
                "description": "For planners.",
                "owner": {"name": "data-team"},
                "original_file_path": "models/exposures.yml",
                "config": {"meta": {} if meta is None else {"export": meta}},
                "depends_on": {"nodes": list(nodes)},
            }
        },
    }


def test_an_export_is_a_model_with_a_format() -> None:
    (export,) = exports_of(manifest({"format": "csv", "encoding": "cp932", "partition_by": "business_date"}))
    assert isinstance(export, Export)
    assert (export.name, export.model, export.schema_name, export.owner) == ("daily", "mart", "marts", "data-team")
    assert (export.file_stem, export.partition_by) == ("daily", "business_date")


def test_an_exposure_without_export_is_somebody_elses() -> None:
    assert list(exports_of(manifest())) == []


@pytest.mark.parametrize(
    ("meta", "nodes", "problem"),
    [
        ({"format": "xlsx"}, ("model.v.mart",), "format: Input should be 'parquet' or 'csv'"),
        ({"format": "csv"}, ("model.v.mart",), "'encoding' belongs to csv and only to csv"),
        ({"format": "parquet", "encoding": "utf-8"}, ("model.v.mart",), "'encoding' belongs to csv and only to csv"),
        ({"format": "parquet", "stem": "x"}, ("model.v.mart",), "stem: unknown key; allowed: encoding, file_stem"),
        ({"format": "parquet"}, ("model.v.mart", "model.v.stg"), "exactly one model, and this depends on 2"),
    ],
)
def test_a_wrong_export_is_told_with_its_place(meta: dict[str, Any], nodes: tuple[str, ...], problem: str) -> None:
    (wrong,) = exports_of(manifest(meta, nodes=nodes))
    assert isinstance(wrong, str)
    assert wrong.startswith("models/exposures.yml: exposure daily: ")
    assert problem in wrong


def test_models_come_in_order_and_know_the_deliveries_they_rest_on() -> None:
    view, mart = models_of(manifest())
    assert isinstance(mart, Model)
    assert isinstance(view, Model)
    assert mart.sources == view.sources == {"sales"}
    assert (mart.is_daily, mart.reach) == (True, SAME_DAY)
    assert (view.is_view, view.reach) == (True, SAME_DAY)


@pytest.mark.parametrize(
    ("reach", "problem"),
    [(None, "must say its config.meta.reach"), ("weekly", "unknown reach 'weekly'; allowed: same_day")],
)
def test_an_incremental_model_must_say_a_reach_that_exists(reach: str | None, problem: str) -> None:
    meta = {} if reach is None else {"reach": reach}
    _, wrong = models_of(manifest(config={"materialized": "incremental", "meta": meta}))
    assert isinstance(wrong, str)
    assert problem in wrong


def test_the_projects_exports_are_the_ones_that_were_asked_for(catalog: Catalog) -> None:
    assert {export.name: export.format for export in catalog.exports} == {
        "sales_by_day": Format.PARQUET,
        "machine_daily": Format.CSV,
        "product_daily": Format.CSV,
    }
