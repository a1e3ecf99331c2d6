"""The inputs of pipelines from the warehouse, and their results into it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vending_platform.analysis.inputs import Frames, UnsuitableInput, as_input
from vending_platform.analysis.pipeline import Pipeline, nothing_yet
from vending_platform.catalog import Catalog
from vending_platform.warehouse import Change, Reader, TableName, Writer, literal, quoted

if TYPE_CHECKING:
    import polars as pl

DAY = "business_date"


def read_tables(
    reader: Reader,
    catalog: Catalog,
    pipeline: Pipeline,
    names: Sequence[str],
    days: tuple[date, date] | None = None,
) -> Frames:
    """The rows of these inputs; of a pipeline that goes day by day those of the days from the first to the last."""
    return {name: _read(reader, _table(catalog, name), pipeline, name, days) for name in names}


def save_tables(
    writer: Writer, pipeline: Pipeline, results: Mapping[str, Any], days: Sequence[date] | None = None
) -> list[str]:
    """Each result as a table in the schema that its module names; with `days` only the rows of these days are
    replaced."""
    saved = []
    for name, result in results.items():
        table, rows = TableName(pipeline.schema_of(name), name), as_rows(result)
        if name in pipeline.histories:
            column = pipeline.histories[name]
            writer.ensure_tables({table: rows.schema})
            own = rows.select([column]).group_by(column).aggregate([])
            writer.publish([Change(table, delete=own, insert=rows)], lambda _: None)
        elif days is None:
            writer.replace(table, rows)
        else:
            writer.ensure_tables({table: rows.schema})
            keys = pa.table({DAY: pa.array(days, pa.date32())})
            writer.publish([Change(table, delete=keys, insert=rows)], lambda _: None)
        saved.append(table.plain)
    return saved


def as_rows(frame: "pl.DataFrame") -> pa.Table:
    """In types that all warehouses have."""
    rows = frame.to_arrow()
    kinds = {pa.large_string(): pa.string(), pa.string_view(): pa.string(), pa.uint32(): pa.int64()}
    return rows.cast(pa.schema([pa.field(field.name, kinds.get(field.type, field.type)) for field in rows.schema]))


def _table(catalog: Catalog, name: str) -> TableName:
    """A mart, or what another pipeline has kept."""
    for model in catalog.models:
        if model.name == name:
            return TableName(model.schema_name, name)
    return TableName("analysis", name)


def _read(
    reader: Reader, table: TableName, pipeline: Pipeline, name: str, days: tuple[date, date] | None
) -> "pl.DataFrame":
    wants = pipeline.inputs[name]
    if wants.history_of is not None:
        table = TableName(pipeline.schema_of(wants.history_of), wants.history_of)
    if not reader.has_table(table):
        if wants.may_be_empty:
            return nothing_yet(pipeline)[name]
        raise UnsuitableInput(f"{table.plain} is not in the warehouse: build it with vending run")
    there = reader.query(f"select * from {table} limit 0").column_names
    wanted = wants.wanted(there) or there
    within = f" where {quoted(DAY)} between {literal(days[0])} and {literal(days[1])}" if days is not None else ""
    rows = reader.unloaded(f"select {', '.join(map(quoted, wanted))} from {table}{within}")
    return as_input(rows, wants, name)
