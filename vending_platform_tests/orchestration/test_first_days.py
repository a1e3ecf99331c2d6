"""What has a longer history has more partitions, and gives them to nothing that does not rest on it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from vending_platform import environment
from vending_platform.catalog import read_manifest
from vending_platform.opening import Platform
from vending_platform.orchestration.build import assemble
from vending_platform_tests.end_to_end.shop import PROJECT, make_shop
from vending_platform_tests.end_to_end.test_days_of_rows import HISTORY, PAYMENTS, payments
from vending_platform_tests.history import history_in
from vending_platform_tests.orchestration.test_runs import Fleet

VIEW = """
models: [{name: sold_again, config: {contract: {enforced: false}}}]
"""
BOTH = """
models:
  - name: both
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns: [{name: business_date, data_type: date}]
"""
SQL = """
select f.business_date from {{ ref('facts') }} as f inner join {{ ref('paid') }} as p on p.id = f.id
where {{ in_window('f.business_date') }}
"""


@pytest.fixture
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    shop = make_shop(tmp_path, PAYMENTS | {"models/both.yml": BOTH, "models/both.sql": SQL})
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path / "data"))
    return assemble(Platform(environment.load(), read_manifest(shop.project_dir, tmp_path / "cache")), {})


def test_partitions_begin_with_the_first_day_of_what_is_read(definitions: dg.Definitions) -> None:
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    begins = {
        key: spec.partitions_def.start.date()
        for key, spec in specs.items()
        if isinstance(spec.partitions_def, dg.DailyPartitionsDefinition)
    }
    of_sales, of_payments = date(2024, 1, 1), date(2022, 1, 1)
    assert begins == {
        "raw/sold": of_sales,
        "marts/facts": of_sales,
        "marts/apart": of_sales,
        "marts/paid": of_payments,
        "marts/both": of_payments,
        "exports/paid_by_day": of_payments,
    }, "a file of payments has no day, and its rows have"


def test_a_day_before_the_history_of_an_input_rests_on_nothing_there(definitions: dg.Definitions) -> None:
    assert definitions.get_repository_def().get_all_jobs()
    graph = definitions.resolve_asset_graph()
    both, facts, paid = (dg.AssetKey(["marts", name]) for name in ("both", "facts", "paid"))
    long_ago = dg.PartitionKeyRange("2022-05-01", "2022-05-02")
    days = graph.get(both).partitions_def
    assert isinstance(days, dg.DailyPartitionsDefinition)
    read = {}
    for parent in (facts, paid):
        behind = graph.get(parent).partitions_def
        assert behind is not None
        found = graph.get_partition_mapping(both, parent).get_upstream_mapped_partitions_result_for_partitions(
            days.subset_with_partition_keys(days.get_partition_keys_in_range(long_ago)), days, behind
        )
        read[parent] = (
            list(found.partitions_subset.get_partition_keys()),
            list(found.required_but_nonexistent_subset.get_partition_keys()),
        )
    assert read == {facts: ([], []), paid: (["2022-05-01", "2022-05-02"], [])}


def test_days_of_rows_are_partitions_that_can_be_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = PROJECT["profiles.yml"].replace("here", "development")
    view = {
        "models/sold_again.sql": "{{ config(materialized='view') }} select * from {{ source('shop', 'sold') }}",
        "models/facts.sql": PROJECT["models/facts.sql"].replace("source('shop', 'sold')", "ref('sold_again')"),
        "models/sold_again.yml": VIEW,
    }
    shop = make_shop(tmp_path, PAYMENTS | view | {"profiles.yml": profile})
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path / "data"))
    paid, facts, sold = (dg.AssetKey(["marts", name]) for name in ("paid", "facts", "sold_again"))
    export = dg.AssetKey(["exports", "paid_by_day"])
    manifest = read_manifest(shop.project_dir, tmp_path / "cache")
    with history_in(tmp_path / "dagster") as history:
        platform = Platform(replace(environment.load(), project_dir=shop.project_dir), manifest)
        fleet = Fleet(tmp_path / "data", platform, history)
        fleet.deliver({"sold_20240304.csv": b"id,yen\n1,5\n", "payments_a.csv": payments(HISTORY)})
        assert fleet.run("daily").success
        assert fleet.days(paid) == fleet.days(export) == {"2022-05-01", "2022-05-02", "2024-03-04"}
        assert fleet.days(facts) == fleet.days(sold) == {"2024-03-04"}
        again = fleet.materialise(paid, export, first_day="2022-05-01", last_day="2022-05-03")
        assert again.success
        made = {(event.asset_key, event.partition) for event in again.all_events if event.is_step_materialization}
        assert made >= {(paid, f"2022-05-0{day}") for day in (1, 2, 3)}
        assert fleet.metadata(paid)["dagster/partition_row_count"] == 0, "nothing came of the third"
