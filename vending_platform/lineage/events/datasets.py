"""Datasets, by OpenLineage's rules for their names, with what the dbt project declares of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from vending_platform.catalog import Export, Source
from vending_platform.environment import Environment
from vending_platform.lineage.columns import OF_THE_PLATFORM
from vending_platform.lineage.events.facets import Facet, Facets, facets, owners
from vending_platform.lineage.events.runs import Dataset
from vending_platform.warehouse import WarehouseKind, kind_of

_S3 = "s3://"
_LOCATIONS = 1000
"""More names of files than this say nothing to anyone; their number is in the statistics."""


class DatasetName(NamedTuple):
    namespace: str
    name: str


@dataclass(frozen=True)
class Datasets:
    """All of one environment's."""

    environment: Environment
    manifest: Mapping[str, Any]

    def table(self, node: str) -> DatasetName:
        """A source, model or seed of the manifest."""
        declared = self._declared(node)
        return self.table_named(declared["schema"], declared.get("identifier") or declared["name"])

    def table_named(self, schema: str, table: str) -> DatasetName:
        shown = self._kind.shown_name
        return DatasetName(self._namespace, f"{self._database}.{shown(schema)}.{shown(table)}")

    def column(self, name: str) -> str:
        """As the warehouse shows it."""
        return self._kind.shown_name(name)

    def input(self, node: str, input_facets: Facets | None = None, own_facets: Facets | None = None) -> Dataset:
        return {
            **self.table(node)._asdict(),
            "facets": {**self._of_table(node), **(own_facets or {})},
            "inputFacets": dict(input_facets or {}),
        }

    def output(self, node: str, output_facets: Facets | None = None, own_facets: Facets | None = None) -> Dataset:
        return {
            **self.table(node)._asdict(),
            "facets": {**self._of_table(node), **(own_facets or {})},
            "outputFacets": dict(output_facets or {}),
        }

    def deliveries(self, source: Source, paths: Sequence[str], input_facets: Facets) -> Dataset:
        """All files of a kind are one dataset, and those of one run are a subset of it."""
        subset = {"inputCondition": self._locations(paths)} if paths else None
        return {
            **self._files_of(source),
            "inputFacets": {**facets(subset_of_input=subset), **input_facets},
        }

    def delivered(
        self, source: Source, paths: Sequence[str], output_facets: Facets, own_facets: Facets | None = None
    ) -> Dataset:
        """The same files, of the run that wrote them."""
        found = self._files_of(source)
        subset = {"outputCondition": self._locations(paths)} if paths else None
        return {
            **found,
            "facets": {**found["facets"], **(own_facets or {})},
            "outputFacets": {**facets(subset_of_output=subset), **output_facets},
        }

    def _files_of(self, source: Source) -> dict[str, Any]:
        place = file_name(self.environment.places.raw, source.name)
        fields = file_fields(source)
        return {
            **place._asdict(),
            "facets": facets(
                schema={"fields": fields} if fields else None,
                datasetType={"datasetType": "FILE"},
                dataSource=data_source(place.namespace),
            ),
        }

    def _locations(self, paths: Sequence[str]) -> dict[str, Any]:
        raw = self.environment.places.raw.rstrip("/")
        return {"type": "location", "locations": [f"{raw}/{path}" for path in sorted(paths)[:_LOCATIONS]]}

    def files_of_export(self, export: Export) -> tuple[DatasetName, Facets]:
        """Their name, and what kind of dataset they are."""
        place = file_name(self.environment.places.processed, export.name)
        return place, facets(
            datasetType={"datasetType": "FILE", "subType": export.format.value.upper()},
            dataSource=data_source(place.namespace),
        )

    def exported(
        self,
        export: Export,
        kind: tuple[DatasetName, Facets],
        columns: Iterable[Mapping[str, str]],
        column_lineage: Facet,
        output_facets: Facets,
    ) -> Dataset:
        """`columns` have their name in the files, or in the table of the lake."""
        place, of_kind = kind
        fields = [{"name": one["name"]} for one in columns]
        return {
            **place._asdict(),
            "facets": {
                "columnLineage": column_lineage,
                **of_kind,
                **facets(
                    schema={"fields": fields},
                    documentation_of_dataset={"description": export.description} if export.description else None,
                    ownership_of_dataset=owners([export.owner]),
                ),
            },
            "outputFacets": dict(output_facets),
        }

    def owner(self, node: str) -> str | None:
        group = self.manifest.get("groups", {}).get(f"group.{node.split('.')[1]}.{self._declared(node).get('group')}")
        return str(group["owner"]["name"]) if group and group["owner"].get("name") else None

    def _declared(self, node: str) -> Mapping[str, Any]:
        declared: Mapping[str, Any] = self.manifest["sources"].get(node) or self.manifest["nodes"][node]
        return declared

    @cached_property
    def _kind(self) -> WarehouseKind:
        return kind_of(self.environment.warehouse)

    @cached_property
    def _namespace(self) -> str:
        return str(self._kind.namespace(self.environment.warehouse))

    @cached_property
    def _database(self) -> str:
        return str(self._kind.database(self.environment.warehouse))

    @cached_property
    def _known(self) -> dict[str, Facets]:
        return {}

    def _of_table(self, node: str) -> Facets:
        if node not in self._known:
            self._known[node] = self._facets_of(self._declared(node), node)
        return self._known[node]

    def _facets_of(self, declared: Mapping[str, Any], node: str) -> Facets:
        columns = declared.get("columns", {})
        fields = [
            _without_nulls(
                {
                    "name": self.column(name),
                    "type": about.get("data_type"),
                    "description": " ".join(about.get("description", "").split()) or None,
                    "ordinal_position": place,
                }
            )
            for place, (name, about) in enumerate(columns.items(), start=1)
        ]
        if "files" in declared.get("config", {}).get("meta", {}):
            fields += [{"name": self.column(name)} for name in OF_THE_PLATFORM]
        tags = [{"key": tag, "value": "true", "source": "DBT"} for tag in declared.get("tags", ())]
        tags += [
            {"key": "personal", "value": "true", "source": "DBT", "field": self.column(name)}
            for name, about in columns.items()
            if _is_personal(about)
        ]
        kind = "VIEW" if declared.get("config", {}).get("materialized") == "view" else "TABLE"
        description = " ".join((declared.get("description") or "").split())
        return facets(
            schema={"fields": fields} if fields else None,
            datasetType={"datasetType": kind},
            dataSource=data_source(self._namespace),
            documentation_of_dataset={"description": description} if description else None,
            ownership_of_dataset=owners([self.owner(node)]),
            tags_of_dataset={"tags": tags} if tags else None,
        )


def file_name(place: str, folder: str) -> DatasetName:
    """A folder of files: of S3 the bucket is the namespace, of a disk the namespace is `file`."""
    if place.startswith(_S3):
        bucket, _, prefix = place.removeprefix(_S3).partition("/")
        return DatasetName(_S3 + bucket, "/".join(part for part in (prefix.strip("/"), folder) if part))
    return DatasetName("file", str(Path(place).absolute() / folder))


def file_fields(source: Source) -> list[dict[str, str]]:
    """The columns of a delivered file, under the names that files have."""
    found = [
        {"name": column.text_in_header, "type": str(column.type), "description": " ".join(column.description.split())}
        for column in source.columns
    ]
    return [{key: value for key, value in field.items() if value} for field in found]


def data_source(namespace: str) -> dict[str, str]:
    return {"name": namespace, "uri": namespace if "://" in namespace else f"{namespace}:///"}


def _is_personal(column: Mapping[str, Any]) -> bool:
    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return bool(meta.get("personal"))


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
