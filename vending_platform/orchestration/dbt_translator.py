"""How dbt's names become Dagster's. Everything else about a spec is dagster-dbt's own translation of the YAML."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata.metadata_set import TableMetadataSet
from dagster_dbt import DagsterDbtTranslator, DbtProject

from vending_platform.catalog import Catalog, Grain, Model, Source
from vending_platform.environment import Environment
from vending_platform.orchestration.asset_details import Described
from vending_platform.orchestration.names import DELIVERIES, extraction_key, has_days, model_key
from vending_platform.orchestration.partitions import business_days
from vending_platform.recording import expectation
from vending_platform.warehouse import WarehouseKind, kind_of


class Specs:
    """The Dagster specs of everything that the dbt project declares."""

    def __init__(
        self, catalog: Catalog, manifest: Mapping[str, Any], environment: Environment, described: Described
    ) -> None:
        self._manifest = manifest
        self._described = described
        self._warehouse = kind_of(environment.warehouse)
        database = self._warehouse.database(environment.warehouse)
        self.days = business_days(catalog, environment)
        self._dated = {
            source.unique_id: self.days.of(grain=source.grain or Grain.DAY) for source in catalog if source.is_dated
        }
        with_days = [model for model in catalog.models if has_days(model, catalog)]
        days = {model.unique_id: self.days.of(model) for model in with_days}
        self._translator = _Translator(days, days | self._dated, self._warehouse, database)

    def of_source(self, source: Source) -> dg.AssetSpec:
        spec = self._translator.get_asset_spec(self._manifest, source.unique_id, None)
        return spec.replace_attributes(
            description=source.description,
            group_name="raw",
            deps=[DELIVERIES if source.extract is None else extraction_key(source.name)],
            kinds={source.files.format.value, self._warehouse.name},
            code_version=source.reading_hash,
            partitions_def=self._dated.get(source.unique_id),
            tags={"delivery": source.files.delivery.value},
            metadata={**spec.metadata, **self._described.of(self._manifest["sources"][source.unique_id])},
        )

    def of_model(self, model: Model) -> dg.AssetSpec:
        spec = self._translator.get_asset_spec(self._manifest, model.unique_id, None)
        kinds = {"dbt", self._warehouse.name, "view" if model.is_view else "table"}
        # Of dbt's own, a changed comment would be another version, and a changed macro or var the same one.
        described = self._described.of(self._manifest["nodes"][model.unique_id])
        metadata = {**spec.metadata, **described}
        return spec.replace_attributes(kinds=kinds, code_version=model.code, metadata=metadata)

    def of_checks(self, model: Model) -> dict[str, dg.AssetCheckSpec]:
        """By dbt's id of the test."""
        spec = self._translator.get_asset_spec(self._manifest, model.unique_id, None)
        tests = [child for child in self._manifest["child_map"][model.unique_id] if child.startswith("test.")]
        found = {test: self._translator.get_asset_check_spec(spec, self._manifest, test, None) for test in tests}
        return {
            test: check._replace(description=_checked(self._manifest["nodes"][test]))
            for test, check in found.items()
            if check is not None
        }

    def of_others(self, catalog: Catalog) -> list[dg.AssetSpec]:
        """Tables that models read and no run of Dagster makes: the platform's own."""
        made = {source.unique_id for source in catalog}
        return [
            self._translator.get_asset_spec(self._manifest, unique_id, None).replace_attributes(
                group_name=declared["schema"], kinds={self._warehouse.name}
            )
            for unique_id, declared in self._manifest["sources"].items()
            if unique_id not in made
        ]


def _checked(test: Mapping[str, Any]) -> str:
    """What a test of dbt is about: in its own words if it has some, else in those for tests of its kind."""
    column, words = test.get("column_name"), expectation(test, "test")
    shown = f"{column}: {words}" if column and not test.get("description") else words
    if test["config"]["severity"].lower() == "warn":
        shown += "\n\nA warning: marts and exports go on without it."
    return shown


class _Translator(DagsterDbtTranslator):
    def __init__(
        self,
        days: Mapping[str, dg.TimeWindowPartitionsDefinition],
        with_sources: Mapping[str, dg.TimeWindowPartitionsDefinition],
        warehouse: WarehouseKind,
        database: str,
    ) -> None:
        super().__init__()
        self._warehouse = warehouse
        self._database = database
        self._days = days
        self._with_sources = with_sources

    def get_partition_mapping(
        self, dbt_resource_props: Mapping[str, Any], dbt_parent_resource_props: Mapping[str, Any]
    ) -> dg.PartitionMapping | None:
        """What has a longer history than something that it is built from has days of which there is nothing there."""
        days = self._with_sources.get(dbt_resource_props["unique_id"])
        behind = self._with_sources.get(dbt_parent_resource_props["unique_id"])
        if days is None or behind is None or days == behind:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # one at every start, about what can't be changed here
            return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        declared = self.get_resource_props(manifest, unique_id)
        key = (
            dg.AssetKey([declared["schema"], declared["identifier"]])
            if declared["resource_type"] == "source"
            else model_key(declared["schema"], declared["name"])
        )
        # The manifest itself does not belong into what is shown and stored about an asset.
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(
            key=key,
            metadata={
                **{name: value for name, value in spec.metadata.items() if not name.startswith("dagster_dbt/")},
                **self._table(key),
            },
            partitions_def=self._days.get(unique_id),
        )

    def _table(self, key: dg.AssetKey) -> Mapping[str, Any]:
        """Where it is in this environment; the manifest was parsed for a laptop, wherever it is used."""
        name = self._warehouse.shown_name(".".join((self._database, *key.path)))
        return {**TableMetadataSet(table_name=name, storage_kind=self._warehouse.name)}
