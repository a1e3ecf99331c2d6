"""What an exposure can say about an export, and what a model must say about its reach."""

from typing import Any

import pytest

from vending_platform.catalog import SAME_DAY, Audience, Catalog, CsvEncoding, Format
from vending_platform.catalog.declared_exports import exports_of
from vending_platform.catalog.exports import Export
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
            "source.v.s.sales": {"identifier": "sales", "config": {"meta": {"files": {"delivery": "daily"}}}},
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
        (
            {"format": "xlsx"},
            ("model.v.mart",),
            "format: Input should be 'parquet', 'csv', 'dashboard', 'json' or 'iceberg'",
        ),
        ({"format": "csv"}, ("model.v.mart",), "'encoding' belongs to csv and only to csv"),
        ({"format": "parquet", "encoding": "utf-8"}, ("model.v.mart",), "'encoding' belongs to csv and only to csv"),
        (
            {"format": "csv", "encoding": "utf-8", "unencodable": "replace"},
            ("model.v.mart",),
            "'unencodable' belongs to the encoding cp932: all others have every character",
        ),
        (
            {"format": "csv", "encoding": "cp932", "unencodable": "drop"},
            ("model.v.mart",),
            "unencodable: Input should be 'refuse' or 'replace'",
        ),
        ({"format": "parquet", "stem": "x"}, ("model.v.mart",), "stem: unknown key; allowed: audience, columns, enc"),
        ({"format": "parquet"}, ("model.v.mart", "model.v.stg"), "exactly one model, and this depends on 2"),
    ],
)
def test_a_wrong_export_is_told_with_its_place(meta: dict[str, Any], nodes: tuple[str, ...], problem: str) -> None:
    (wrong,) = exports_of(manifest(meta, nodes=nodes))
    assert isinstance(wrong, str)
    assert wrong.startswith("models/exposures.yml: exposure daily: ")
    assert problem in wrong


COLUMNS = {
    "business_date": {"data_type": "date"},
    "prefecture": {"data_type": "varchar"},
    "machines": {"data_type": "bigint"},
    "yen": {"data_type": "decimal(18,4)"},
    "staff_key": {"data_type": "varchar", "config": {"meta": {"personal": True}}},
}
OPEN = [name for name in COLUMNS if name != "staff_key"]
FEW = {"count": "machines", "below": 5, "columns": ["yen"]}


def declared(columns: object = OPEN, **said: Any) -> list[Export | str]:
    """An export of a model with these columns; with `columns` None it says nothing of them."""
    meta = {"format": "parquet"} | said | ({} if columns is None else {"columns": columns})
    return list(exports_of(manifest(meta, columns=COLUMNS)))


def test_an_export_says_which_columns_leave_and_how() -> None:
    (export,) = declared(
        [{"name": "prefecture", "header": "都道府県", "values": {"東京都": "Tokyo"}}, "yen", "staff_key"],
        split_by="prefecture",
        order_by=["business_date desc", "yen"],
        mask=["staff_key"],
    )
    assert isinstance(export, Export)
    assert [column.title for column in export.columns] == ["都道府県", "yen", "staff_key"]
    assert export.ordered_by == (("business_date", "descending"), ("yen", "ascending"))
    assert (export.audience, export.publish_if_checks_failed) == (Audience.INTERNAL, False)


@pytest.mark.parametrize(("partition_by", "is_by_month"), [("business_date", True), (None, False)])
def test_a_page_gets_a_file_a_month_or_one_in_all(partition_by: str | None, is_by_month: bool) -> None:
    (export,) = declared(format="dashboard", partition_by=partition_by)
    assert isinstance(export, Export)
    assert (export.is_by_month, export.is_by_day) == (is_by_month, False)


def test_an_export_for_the_public_says_what_is_suppressed_or_why_nothing_is() -> None:
    (with_rule,) = declared(audience="public", suppress=FEW)
    (with_reason,) = declared(audience="public", unsuppressed_because="every row is about the whole fleet")
    assert isinstance(with_rule, Export)
    assert isinstance(with_reason, Export)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"columns": ["prefecture", "yenn"]}, "columns: mart declares no column 'yenn'; did you mean 'yen'?"),
        ({"columns": [{"name": "yen", "headr": "円"}]}, "columns.0.headr: unknown key; allowed: header, name, values"),
        ({"columns": ["yen", "yen"]}, "columns: the column 'yen' is there twice"),
        ({"file_stem": "../../x"}, "file_stem: '../../x' can't begin a file's name: letters, digits"),
        ({"format": "dashboard", "split_by": "prefecture"}, "'split_by' is not for format dashboard"),
        ({"format": "dashboard", "encoding": "utf-8"}, "'encoding' belongs to csv and only to csv"),
        ({"file_stem": ".hidden"}, "file_stem: '.hidden' can't begin a file's name"),
        ({"file_stem": ""}, "file_stem: '' can't begin a file's name"),
        ({"file_stem": "x" * 81}, "no dot first, 80 at most"),
        (
            {"columns": ["prefecture", {"name": "yen", "header": "prefecture"}]},
            "the header 'prefecture' is there twice",
        ),
        ({"columns": None}, "columns: staff_key is personal data: mask it, or name the columns that leave without it"),
        ({"language": "ja"}, "columns: business_date has no header, and 'language' promises one"),
        ({"language": "ja", "columns": None}, "'language' is that of the headers: say 'columns', each with its header"),
        (
            {"format": "csv", "encoding": "cp932", "columns": [{"name": "yen", "header": "€"}]},
            "columns: yen has a header or value with '€', which cp932 has not",
        ),
        ({"split_by": "route_id"}, "split_by: mart declares no column 'route_id'; it declares: business_date, pref"),
        ({"split_by": "staff_key"}, "split_by: staff_key is personal, masked or suppressed"),
        ({"order_by": ["yen"], "suppress": FEW}, "order_by: yen is personal, masked or suppressed"),
        ({"mask": ["staff_key"]}, "mask: staff_key does not leave"),
        ({"partition_by": "day"}, "partition_by: mart declares no column 'day'"),
        ({"audience": "everybody"}, "audience: Input should be 'internal' or 'public'"),
        ({"audience": "public"}, "says what is blanked where a figure is about a few only"),
        (
            {"audience": "public", "unsuppressed_because": "why not"},
            "unsuppressed_because: String should have at least",
        ),
        ({"audience": "public", "suppress": FEW, "columns": None}, "an export for the public names its 'columns'"),
        (
            {"audience": "public", "suppress": FEW, "columns": ["staff_key"], "mask": ["staff_key"]},
            "columns: staff_key is personal data, which the public never gets, masked or not",
        ),
        (
            {"audience": "public", "suppress": {**FEW, "columns": ["prefecture"]}},
            "suppress: yen is a figure for the public, and is not among the columns that are blanked",
        ),
        ({"suppress": {**FEW, "count": "prefecture"}}, "suppress: prefecture counts nothing: it is varchar"),
        ({"suppress": {**FEW, "under": 5}}, "suppress.under: unknown key; allowed: below, columns, count"),
        ({"suppress": FEW, "unsuppressed_because": "nothing is there"}, "exclude each other"),
        ({"model": "other"}, "model: unknown key; allowed: audience"),
    ],
)
def test_a_wish_that_can_not_be_met_is_refused_at_load(said: dict[str, Any], problem: str) -> None:
    (wrong,) = declared(**said)
    assert isinstance(wrong, str)
    assert problem in wrong


def test_without_an_enforced_contract_nobody_knows_which_columns_there_are() -> None:
    config = {"materialized": "view", "contract": {"enforced": False}, "meta": {}}
    (wrong,) = exports_of(manifest({"format": "parquet"}, config=config))
    assert isinstance(wrong, str)
    assert "columns: mart has no enforced contract, so the export has to name the columns that leave" in wrong


def test_what_is_built_as_a_whole_has_no_days() -> None:
    config = {"materialized": "table", "meta": {}}
    (wrong,) = exports_of(manifest({"format": "parquet", "partition_by": "business_date"}, config=config))
    assert isinstance(wrong, str)
    assert wrong.endswith("partition_by: mart is built as a whole, not by day, and is one file")


def test_an_export_does_not_bear_a_models_name() -> None:
    project = manifest({"format": "parquet"})
    project["exposures"]["e"]["name"] = "mart"
    (wrong,) = exports_of(project)
    assert (
        wrong
        == "models/exposures.yml: exposure mart: a model has that name too, and dbt, asked to build it, would take both"
    )


def test_models_come_in_order_and_know_the_deliveries_they_rest_on() -> None:
    view, mart = models_of(manifest())
    assert isinstance(mart, Model)
    assert isinstance(view, Model)
    assert mart.sources == view.sources == {"sales"}
    assert (mart.is_dated, mart.reach) == (True, SAME_DAY)
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


@pytest.mark.parametrize(
    ("materialized", "source", "problem"),
    [
        ("table", "sales", "a reach with deliveries_of is for an incremental model"),
        (
            "incremental",
            "products",
            "deliveries_of 'products', which is not a daily or monthly source; there are: sales",
        ),
    ],
)
def test_only_days_of_a_daily_source_can_be_told(materialized: str, source: str, problem: str) -> None:
    said = manifest(config={"materialized": materialized, "meta": {"reach": {"deliveries_of": source}}})
    files = {"files": {"delivery": "snapshot"}}
    said["sources"]["source.v.raw.products"] = {"identifier": "products", "config": {"meta": files}}
    _, wrong = models_of(said)
    assert isinstance(wrong, str)
    assert wrong.endswith(problem)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"delivery": "daily"}, None),
        ({"delivery": "append", "day_column": "paid_on"}, None),
        ({"delivery": "append"}, "none of its sources has days (sales says no day_column): materialize it as a table"),
        ({"delivery": "snapshot"}, "none of its sources has days (sales is a snapshot): materialize it as a table"),
        (None, "it reads no source: materialize it as a table, or give an append source its day_column"),
    ],
)
def test_an_incremental_model_has_days(files: dict[str, Any] | None, problem: str | None) -> None:
    said = manifest(config={"materialized": "incremental", "meta": {"reach": "same_day"}})
    said["sources"]["source.v.s.sales"]["config"]["meta"] = {} if files is None else {"files": files}
    _, mart = models_of(said)
    if problem is None:
        assert isinstance(mart, Model)
    else:
        assert isinstance(mart, str)
        assert problem in mart


def test_every_mart_of_the_fleet_can_be_had_as_parquet(catalog: Catalog) -> None:
    fleets = {source.name for source in catalog if source.unique_id.startswith("source.vending.vending.")}
    marts = {model.name for model in catalog.models if model.schema_name == "marts" and not model.is_view}
    of_the_fleet = {model.name for model in catalog.models if model.name in marts and model.sources <= fleets}
    assert len(of_the_fleet) > 20
    as_parquet = {export.model for export in catalog.exports if export.format is Format.PARQUET}
    without = [f"{name}: declare an export {name}_parquet, see docs/exports.md" for name in of_the_fleet - as_parquet]
    assert not without, "\n".join(without)


def test_what_people_open_themselves_is_csv(catalog: Catalog) -> None:
    for_people = {export.name: export.encoding for export in catalog.exports if export.format is Format.CSV}
    assert (
        for_people.items()
        >= {
            "machine_daily": CsvEncoding.UTF_8_BOM,
            "product_daily": CsvEncoding.UTF_8_BOM,
            "daily_summary": CsvEncoding.UTF_8_BOM,
            "cash_variances": CsvEncoding.UTF_8_BOM,
            "pick_list": CsvEncoding.CP932,
            "prefecture_daily_public": CsvEncoding.UTF_8,
        }.items()
    )


def test_only_what_is_meant_for_it_is_for_the_public(catalog: Catalog) -> None:
    fleets = {source.name for source in catalog if source.unique_id.startswith("source.vending.vending.")}
    of_the_fleet = {model.name for model in catalog.models if model.sources & fleets}
    exports = [export for export in catalog.exports if export.model in of_the_fleet]
    assert [export.name for export in exports if export.audience is Audience.PUBLIC] == ["prefecture_daily_public"]
    assert [export.name for export in exports if export.publish_if_checks_failed] == []
