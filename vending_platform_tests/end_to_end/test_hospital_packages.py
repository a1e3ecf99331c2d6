"""The domain `dpc` from packages to marts and exports: its figures are those that the simulator counted itself."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from dpc_simulator import Truth, generate
from vending_platform import environment, operations
from vending_platform.alerts import recall
from vending_platform.anonymising import key_of_exports
from vending_platform.definitions import build_definitions
from vending_platform.ingestion import PackageResult, check_package
from vending_platform.lineage import provenance
from vending_platform.opening import Platform, open_platform
from vending_platform.orchestration import look_and_alert

APRIL = date(2024, 4, 1)


@dataclass
class Hospitals:
    folder: Path
    platform: Platform
    truth: Truth
    packages: list[PackageResult]

    def figures(self, columns: str, mart: str, keys: int) -> dict[Any, Any]:
        with self.platform.context.warehouse.reading() as reader:
            rows = [tuple(row.values()) for row in reader.query(f"select {columns} from mart.{mart}").to_pylist()]
        return {row[:keys]: row[keys:] for row in rows}


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospitals]:
    folder = tmp_path_factory.mktemp("dpc")
    made = generate(folder, hospitals=3, months=3, seed=11, cases=60, orders=4, untidy=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDING_DOMAIN", "dpc")
        patch.setenv("VENDING_DATA_DIR", str(folder))
        platform = open_platform(environment.load())
        summary = operations.ingest(platform)
        done = operations.transform(platform, summary.run_id)
        assert [result.message for result in done.failed] == []
        assert all(one.problem is None for one in operations.export(platform, summary.run_id))
        yield Hospitals(folder, platform, made.truth, summary.packages)


def test_each_mart_has_the_figures_of_the_cases(hospitals: Hospitals) -> None:
    truth = hospitals.truth
    key = "business_date, facility_code"
    assert truth.readmissions
    assert truth.case_mix == hospitals.figures(f"{key}, diagnosis_group, cases, points, stay_days", "mart_case_mix", 3)
    assert truth.length_of_stay == hospitals.figures(
        f"{key}, diagnosis_group, period, cases, stay_days", "mart_length_of_stay", 4
    )
    assert truth.procedure_use == hospitals.figures(
        f"{key}, procedure_code, cases, times, amount, points", "mart_procedure_use", 3
    )
    assert truth.readmissions == set(
        hospitals.figures(f"{key}, case_number, admitted_on, days_between", "mart_readmissions", 5)
    )
    assert truth.monthly_kpi == hospitals.figures(
        f"{key}, cases, stay_days, points, deaths, readmissions", "mart_monthly_kpi", 2
    )


def test_what_is_wrong_is_named_and_nothing_of_it_is_loaded(hospitals: Hospitals) -> None:
    waiting, refused = [one for one in hospitals.packages if one.state != "loaded"]
    assert (refused.state, refused.sender, refused.period) == ("refused", "400030004", "2024-04")
    assert "EFn_400030004_2404.txt: it has" in str(refused.reason)
    assert (waiting.state, waiting.period, waiting.reason) == (
        "waiting",
        "2024-05",
        "manifest.json: it has not come",
    )
    folder = hospitals.folder / "sources" / "yyyymm=202404" / "400030004"
    checked = check_package(hospitals.platform.catalog, folder)
    assert [str(fault) for fault in checked.faults] == [refused.reason]
    fine = check_package(hospitals.platform.catalog, folder.parent / "200010002")
    assert fine.is_fine
    assert fine.revision == 1


def test_the_public_sees_no_figure_of_fewer_than_ten_cases(hospitals: Hospitals) -> None:
    place = hospitals.folder / "processed-data" / "case_mix_public"
    parts = json.loads((place / "manifest.json").read_text())["parts"]
    cases = {key: figures[0] for key, figures in hospitals.truth.case_mix.items()}
    blank = shown = 0
    for part in parts:
        with (place.parent / part["path"]).open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = date.fromisoformat(row["business_date"]), row["facility_code"], row["diagnosis_group"]
                if row["cases"] == "":
                    blank += 1
                    assert row["average_stay_days"] == ""
                else:
                    shown += 1
                    assert int(row["cases"]) == cases[key] >= 10
    assert blank > sum(count < 10 for count in cases.values()) > 0
    assert shown


def test_no_export_has_a_case_number(hospitals: Hospitals) -> None:
    numbers = {number for _, _, number, *_ in hospitals.truth.readmissions}
    files = [path for path in (hospitals.folder / "processed-data").rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not [number for number in numbers if number.encode() in content], path


def test_a_patient_is_the_same_pseudonym_in_every_file(hospitals: Hospitals) -> None:
    files = (hospitals.folder / "processed-data" / "readmissions").rglob("*.parquet")
    found = {
        (row["business_date"], row["facility_code"], row["admitted_on"], row["days_between"]): row["case_number"]
        for path in files
        for row in pq.read_table(path).to_pylist()
    }
    key = key_of_exports(hospitals.platform.environment)
    assert found == {
        (month, hospital, admitted, days): key.of(number)
        for month, hospital, number, admitted, days in hospitals.truth.readmissions
    }


def test_a_figure_is_traced_to_the_files_and_revision_of_its_package(hospitals: Hospitals) -> None:
    which = [("facility_code", "200010002"), ("day", "2024-05-01")]
    with hospitals.platform.context.warehouse.reading() as reader:
        traced = provenance.trace(hospitals.platform.catalog, reader, "mart.mart_procedure_use", which)
    packages = {file.path: file.package for file in traced.files if file.source == "efn"}
    assert packages["yyyymm=202405/200010002/EFn_200010002_2405.txt"] == "dpc, revision 2"
    assert not any("202404" in path or "202406" in path for path in packages)


def test_each_package_is_told_once(hospitals: Hospitals) -> None:
    first, again = look_and_alert(hospitals.platform), look_and_alert(hospitals.platform)
    assert re.search(r"; [0-9]+ messages sent", first)
    assert "sent" not in again
    loaded = [about for about in recall(hospitals.platform.context.storage.work).done if about.startswith("dpc ")]
    assert len(loaded) == 7


def test_dagster_has_its_assets_by_month(hospitals: Hospitals) -> None:
    graph = build_definitions(hospitals.platform.environment).resolve_asset_graph()
    for key in ("raw/efn", "stage/stg_dpc__cases", "mart/mart_case_mix", "exports/case_mix_public"):
        partitions = graph.get(dg.AssetKey(key.split("/"))).partitions_def
        assert isinstance(partitions, dg.MonthlyPartitionsDefinition), key
        assert partitions.get_partition_keys() == ["2024-04", "2024-05", "2024-06"]
    assert graph.get(dg.AssetKey(["ref", "ref_facilities"])).partitions_def is None
