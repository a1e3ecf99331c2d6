"""Assets of exported files, generated from dbt's exposures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from vending_platform import operations, transformation
from vending_platform.catalog import Catalog, Export, Format
from vending_platform.exporting import Exported, table_of
from vending_platform.opening import Platform
from vending_platform.orchestration.metadata import parts_metadata, table_metadata
from vending_platform.orchestration.names import export_key, model_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.partitions import BusinessDays
from vending_platform.orchestration.retries import StepFailure, give_up_or_retry, retrying

_NO_ROWS: Mapping[str, Any] = {
    "dagster/partition_row_count": 0,
    "note": "its mart has no rows of this day, so there is no file",
}


def export_assets(catalog: Catalog, days: BusinessDays) -> list[dg.AssetsDefinition]:
    by_model: dict[str, list[Export]] = {}
    for export in catalog.exports:
        if export.is_by_day:
            by_model.setdefault(export.model, []).append(export)
    by_day = days.by_partitions(model for model in catalog.models if model.name in by_model)
    wholes = [export for export in catalog.exports if not export.is_by_day]
    return [
        *(
            _assets(
                days.named_for("exports", partitions),
                [export for model in models for export in by_model[model.name]],
                partitions,
            )
            for partitions, models in by_day.items()
        ),
        *([_assets("exports_as_a_whole", wholes, None)] if wholes else []),
    ]


def _assets(
    name: str, exports: Sequence[Export], partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name,
        specs=[_spec(export, partitions) for export in exports],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def export(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        chosen = {key.path[-1]: key for key in context.selected_asset_keys}
        retries = platform.environment.automatic_retries
        with retrying(context, retries):
            exported = operations.export(observed(context, platform), context.run.run_id, chosen)
        done = {one.name: one for one in exported}
        requested = set(context.partition_keys) if partitions is not None else set()
        place = platform.environment.places.processed
        for export, key in chosen.items():
            if export not in done:
                continue
            for day in sorted(requested & done[export].days.keys(), key=str):
                context.add_asset_metadata(
                    parts_metadata(done[export].days[day], place, is_table=done[export].table is not None),
                    asset_key=key,
                    partition_key=day,
                )
            for replaced in done[export].replaced:
                context.log.warning(f"〓 stands for characters that the encoding lacks: {replaced}")
            if not _problem(done[export], requested):
                yield dg.MaterializeResult(asset_key=key, metadata=_metadata(done[export], place))
        if failures := [StepFailure(problem) for one in done.values() if (problem := _problem(one, requested))]:
            give_up_or_retry(context, failures, retries)

    return export


def log_exported(context: dg.OpExecutionContext, platform: Platform, done: Sequence[Exported]) -> None:
    """For a run that is about whatever is not up to date: which files it made visible."""
    place = platform.environment.places.processed
    by_day = {export.name for export in platform.catalog.exports if export.is_by_day}
    for exported in done:
        for replaced in exported.replaced:
            context.log.warning(f"〓 stands for characters that the encoding lacks: {replaced}")
        if exported.name not in by_day and exported.written:
            metadata = parts_metadata(exported.visible, place)
            context.log_event(dg.AssetMaterialization(export_key(exported.name), metadata=metadata))
            continue
        for day in dict.fromkeys(part.day for part in exported.written):
            metadata = parts_metadata(exported.days[day], place, is_table=exported.table is not None)
            context.log_event(dg.AssetMaterialization(export_key(exported.name), metadata=metadata, partition=day))
    for name, day in _without_rows(context, platform, done):
        context.log_event(dg.AssetMaterialization(export_key(name), metadata=_NO_ROWS, partition=day))


def _without_rows(
    context: dg.OpExecutionContext, platform: Platform, done: Sequence[Exported]
) -> Iterator[tuple[str, str]]:
    """The days that a mart was built for and has no rows of, if no run has reported them yet: they have no file."""
    by_day = {export.name: export.model for export in platform.catalog.exports if export.is_by_day}
    grains = {model.name: model.grain for model in platform.catalog.models}
    with platform.reading_in_turn("vending report") as reader:
        verdicts = transformation.verdicts(reader)
    for exported in done:
        if exported.name in by_day and exported.problem is None:
            model = by_day[exported.name]
            built = (day for (name, day), passed in verdicts.items() if name == model and day and passed)
            good = set(map(grains[model].written, built))
            if empty := sorted(good - {*exported.days, *exported.held_back}):
                known = context.instance.get_materialized_partitions(export_key(exported.name))
                yield from ((exported.name, day) for day in empty if day not in known)


def not_exported(
    done: Sequence[Exported], first_day: str | None = None, last_day: str | None = None
) -> list[StepFailure]:
    """Why what was requested is not visible. With days, what else is held back is not this run's problem."""

    def is_requested(key: str, export: str) -> bool:
        """A key is a day, a month, or the name of an export that is one file for all days."""
        length = len(key)
        after = first_day is None or first_day[:length] <= key
        return key == export or (after and (last_day is None or key <= last_day[:length]))

    requested = [replace(one, held_back=[key for key in one.held_back if is_requested(key, one.name)]) for one in done]
    return [StepFailure(problem) for exported in requested if (problem := _problem(exported, set()))]


def _spec(export: Export, partitions: dg.PartitionsDefinition[str] | None) -> dg.AssetSpec:
    form = export.format.upper() + (f" ({export.encoding})" if export.encoding is not None else "")
    if export.format is Format.ICEBERG:
        form = f"The table {table_of(export).plain} of the lake"
    return dg.AssetSpec(
        export_key(export.name),
        deps=[model_key(export.schema_name, export.model)],
        description=f"{export.description}\n\n{form}, {export.audience};"
        " `manifest.json` in its folder names the current files.",
        group_name="exports",
        kinds={export.format.value},
        owners=[export.email] if export.email else [],
        partitions_def=partitions,
        code_version=export.code_version,
        skippable=True,
    )


def _metadata(exported: Exported, place: str) -> dict[str, Any]:
    return {
        "new files": len(exported.written),
        "rows written": sum(part.rows for part in exported.written),
        **({"replaced by 〓": "; ".join(exported.replaced)} if exported.replaced else {}),
        **table_metadata(exported),
        "manifest": dg.MetadataValue.path(f"{place}/{exported.name}/manifest.json"),
    }


def _problem(exported: Exported, requested: set[str]) -> str | None:
    """Why what was requested is not visible; a day that was not requested is not this run's problem."""
    if exported.problem is not None:
        return f"{exported.name}: {exported.problem}"
    held = sorted(requested.intersection(exported.held_back)) if requested else exported.held_back
    if held:
        return f"{exported.name}: held back, because a check of its mart failed: {', '.join(held)}"
    return None
