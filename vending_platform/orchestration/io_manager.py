"""The io manager: the value of an asset is its table in the warehouse of the environment.

Any table can be read, whole or by its days. Only what a team's own asset returns is written, into a schema of its own:
the platform's tables are written by dbt and by the ingestion.
"""

import re
from typing import Any

import dagster as dg

from vending_platform.opening import Platform
from vending_platform.orchestration.frames import as_frame, as_rows
from vending_platform.orchestration.partition_filters import day_column, of_parts, parts_of, within
from vending_platform.warehouse import Change, TableName

SCHEMA = "schema"
"""The metadata of an asset that names the schema of its table."""
_PLATFORM_SCHEMAS = frozenset({"raw", "staging", "intermediate", "marts", "dq", "exports"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Tables(dg.IOManager):
    """`schema` is that of assets that name none; `steps` keeps what an op, which is not an asset, passes to the
    next."""

    def __init__(self, platform: Platform, schema: str, steps: dg.IOManager | None) -> None:
        self._platform = platform
        self._schema = schema
        self._steps = steps

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        if obj is None:
            return  # the platform's own assets have written their tables themselves
        if not context.has_asset_key:
            self._step_io_manager().handle_output(context, obj)
            return
        rows, table = as_rows(obj), self._own_table(context)
        days = parts_of(context)
        with self._platform.context.warehouse.writing(
            f"writing {table.schema}.{table.name}", lambda holder: context.log.info(f"Waiting for {holder} …")
        ) as writer:
            if days is None:
                writer.replace(table, rows)
            else:
                keys, rows = of_parts(table, context.definition_metadata or {}, rows, days)
                writer.ensure_tables({table: rows.schema})
                writer.publish([Change(table, delete=keys, insert=rows)], lambda _: None)
        count = "dagster/row_count" if days is None else "dagster/partition_row_count"
        context.add_output_metadata({count: rows.num_rows, "dagster/table_name": f"{table.schema}.{table.name}"})

    def load_input(self, context: dg.InputContext) -> Any:
        if not context.has_asset_key:
            return self._step_io_manager().load_input(context)
        table = self._table(context.asset_key, _metadata(context))
        with self._platform.context.warehouse.reading() as reader:
            if not reader.has_table(table):
                raise dg.Failure(
                    f"{table.schema}.{table.name} is not in the warehouse: materialize"
                    f" {context.asset_key.to_user_string()} first",
                    allow_retries=False,
                )
            condition = ""
            if (days := parts_of(context)) is not None:
                columns = reader.query(f"select * from {table} limit 0").column_names
                condition = f" where {within(day_column(table, _metadata(context), columns), days)}"
            rows = reader.query(f"select * from {table}{condition}")
        return as_frame(rows, context.dagster_type.typing_type)

    def _step_io_manager(self) -> dg.IOManager:
        if self._steps is None:
            raise TypeError(
                "an op has a result to pass on, and there is no storage for it: run it in an instance that has one"
            )
        return self._steps

    def _own_table(self, context: dg.OutputContext) -> TableName:
        table = self._table(context.asset_key, context.definition_metadata or {})
        if table.schema in _PLATFORM_SCHEMAS:
            raise dg.Failure(
                f"{context.asset_key.to_user_string()} would be written to the schema {table.schema}, which belongs to"
                f' the platform: name another in its metadata, {{"{SCHEMA}": "{self._schema}"}}, or in its key',
                allow_retries=False,
            )
        if wrong := [name for name in (table.schema, table.name) if not _NAME.fullmatch(name)]:
            raise dg.Failure(
                f"{wrong[0]!r} can't be the name of a table or schema: lower-case letters, digits and underscores",
                allow_retries=False,
            )
        return table

    def _table(self, key: dg.AssetKey, metadata: Any) -> TableName:
        schema = metadata.get(SCHEMA) or (key.path[-2] if len(key.path) > 1 else self._schema)
        if schema == "exports":
            exported = {export.name: export for export in self._platform.catalog.exports}
            if key.path[-1] in exported:  # its rows are those of its mart
                export = exported[key.path[-1]]
                return TableName(export.schema_name, export.model)
        return TableName(schema, key.path[-1])


def tables() -> dg.IOManagerDefinition:
    def opened(context: dg.InitResourceContext) -> Tables:
        kept_in = context.instance.storage_directory() if context.instance is not None else None
        # Steps of one job may pass on any value, as with Dagster's own io manager.
        steps = dg.FilesystemIOManager(base_dir=kept_in).create_io_manager(context) if kept_in is not None else None
        return Tables(context.resources.platform, context.resource_config["schema"], steps)

    schema = dg.Field(str, default_value="team", description="The schema of tables whose assets name none.")
    return dg.IOManagerDefinition(
        opened,
        config_schema={"schema": schema},
        required_resource_keys={"platform"},
        description="An asset's value is its table in the warehouse: as a DataFrame of pandas or polars, or Arrow.",
    )


def _metadata(context: dg.InputContext) -> Any:
    upstream = context.upstream_output
    return (upstream.definition_metadata if upstream is not None else None) or {}
