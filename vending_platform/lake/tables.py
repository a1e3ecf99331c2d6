"""A table is created, or changed until it is as declared: columns by field id, partitioning, key."""

from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import NamespaceAlreadyExistsError, TableAlreadyExistsError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.transforms import Transform
from pyiceberg.types import DecimalType, DoubleType, FloatType, IcebergType, IntegerType, LongType, NestedField

from vending_platform.catalog import LakeLayout
from vending_platform.lake.commits import Undo, commit
from vending_platform.lake.errors import LakeError
from vending_platform.lake.opening import NAMESPACES, Lake
from vending_platform.lake.partitioning import partition_name, transform_of
from vending_platform.lake.types import iceberg_type
from vending_platform.warehouse import TableName

KEY = "vending.key"
_FIRST_PARTITION_ID = 1000
_Partitioning = list[tuple[str, Transform[Any, Any]]]


@dataclass(frozen=True)
class _LakeColumn:
    type: IcebergType
    doc: str | None


_Columns = Mapping[str, _LakeColumn]


def ensure_table(
    lake: Lake, name: TableName, rows: pa.Schema, layout: LakeLayout, descriptions: Mapping[str, str] | None = None
) -> Table:
    """The table with the columns of these rows, as `layout` declares it. Rows that are there keep their values.

    A column may be added, dropped, renamed (where the layout gives its old name) and widened; `LakeError` for any other
    change, and nothing has changed then.
    """
    if name.schema not in NAMESPACES:
        raise LakeError(f"{name.plain}: {name.schema!r} is not a namespace of the lake: {', '.join(NAMESPACES)}")
    wanted = _wanted(name, rows, layout, descriptions or {})
    if not lake.has(name):
        _create(lake, name, wanted, layout)
    if _is_as_declared(name, lake.load(name), wanted, layout):
        return lake.load(name)

    def change(table: Table, transaction: Transaction, _: Mapping[str, str]) -> Undo:
        if not _is_as_declared(name, table, wanted, layout):
            _change(name, table, transaction, wanted, layout)
        return lambda: None

    commit(lake, name, change)
    return lake.load(name)


def key_of(table: Table) -> tuple[str, ...]:
    """The columns by which its rows are merged; none for a table that has no key."""
    return tuple(filter(None, table.properties.get(KEY, "").split(",")))


def _wanted(name: TableName, rows: pa.Schema, layout: LakeLayout, descriptions: Mapping[str, str]) -> _Columns:
    columns = {
        field.name: _LakeColumn(
            iceberg_type(f"{name.plain}.{field.name}", field.type), descriptions.get(field.name) or None
        )
        for field in rows
    }
    used = [*layout.key, *(rule.column for rule in layout.partitioning), *layout.renamed]
    if unknown := [column for column in used if column not in columns]:
        raise LakeError(f"{name.plain} has no column {unknown[0]!r}; it has: {', '.join(columns)}")
    for rule in layout.partitioning:
        transform_of(name, rule, columns[rule.column].type)
    return columns


def _create(lake: Lake, name: TableName, wanted: _Columns, layout: LakeLayout) -> None:
    fields = {
        column: NestedField(number, column, declared.type, required=False, doc=declared.doc)
        for number, (column, declared) in enumerate(wanted.items(), start=1)
    }
    spec = [
        PartitionField(
            source_id=fields[rule.column].field_id,
            field_id=_FIRST_PARTITION_ID + number,
            transform=transform_of(name, rule, fields[rule.column].field_type),
            name=partition_name(rule),
        )
        for number, rule in enumerate(layout.partitioning)
    ]
    database = lake.database(name.schema)
    with suppress(NamespaceAlreadyExistsError):
        lake.catalog.create_namespace(database)
    with suppress(TableAlreadyExistsError):  # another process was first; what differs is changed afterwards
        lake.catalog.create_table(
            (database, name.name),
            Schema(*fields.values()),
            location=lake.location_of(name),
            partition_spec=PartitionSpec(*spec),
            properties={KEY: ",".join(layout.key)},
        )


def _is_as_declared(name: TableName, table: Table, wanted: _Columns, layout: LakeLayout) -> bool:
    known = _known(table)
    return (
        known == _resolved(name, known, wanted, {})
        and _partitioning(table) == _declared_partitioning(name, wanted, layout)
        and table.properties.get(KEY, "") == ",".join(layout.key)
    )


def _change(name: TableName, table: Table, transaction: Transaction, wanted: _Columns, layout: LakeLayout) -> None:
    """Into the transaction goes all that differs: names first, by which all else is found; what goes, goes last."""
    known = _known(table)
    renamed = {old: new for new, old in layout.renamed.items() if old in known and new not in known}
    before = {renamed.get(column, column): column for column in known}
    present = {column: known[old] for column, old in before.items()}
    resolved = _resolved(name, present, wanted, renamed)
    with transaction.update_schema() as schema:
        for old, new in renamed.items():
            schema.rename_column(old, new)
    with transaction.update_schema() as schema:
        for column, declared in resolved.items():
            if column not in present:
                schema.add_column(column, declared.type, doc=declared.doc)
            elif declared != present[column]:
                schema.update_column(column, field_type=declared.type, doc=declared.doc or "")
    if _partitioning(table, renamed) != _declared_partitioning(name, wanted, layout):
        with transaction.update_spec() as spec:
            for field in table.spec().fields:
                spec.remove_field(field.name)
        with transaction.update_spec() as spec:
            for rule in layout.partitioning:
                spec.add_field(rule.column, transform_of(name, rule, resolved[rule.column].type), partition_name(rule))
    dropped = present.keys() - wanted.keys()
    _check_not_partitioning(name, table, {old for new, old in before.items() if new in dropped})
    with transaction.update_schema() as schema:
        for column in dropped:
            schema.delete_column(column)
    if table.properties.get(KEY, "") != ",".join(layout.key):
        transaction.set_properties({KEY: ",".join(layout.key)})


def _check_not_partitioning(name: TableName, table: Table, dropped: Set[str]) -> None:
    """Files that were written under an earlier partitioning are found by it as long as a snapshot has them."""
    schema = table.schema()
    sources = {schema.find_column_name(field.source_id) for spec in table.specs().values() for field in spec.fields}
    for column in dropped & sources:
        raise LakeError(f"column {column} of {name.plain} can't be dropped, as files are or were partitioned by it")


def _known(table: Table) -> dict[str, _LakeColumn]:
    return {field.name: _LakeColumn(field.field_type, field.doc or None) for field in table.schema().fields}


def _resolved(name: TableName, known: _Columns, wanted: _Columns, renamed: Mapping[str, str]) -> _Columns:
    """The columns as they are to be: of those that are there, with the wider one of both types."""
    columns = {}
    for column, declared in wanted.items():
        before = known.get(column)
        if before is None or _holds(declared.type, before.type):
            columns[column] = declared
        elif _holds(before.type, declared.type):
            columns[column] = replace(declared, type=before.type)
        else:
            raise LakeError(
                f"column {column} of {name.plain} is {before.type} and can't become {declared.type}, as its rows would"
                " change: give it another name, or rename the old one (renamed: {NEW: OLD})"
            )
    return columns


def _holds(wide: IcebergType, narrow: IcebergType) -> bool:
    """Whether a column of the one type can become one of the other without being written again."""
    match narrow, wide:
        case DecimalType(), DecimalType():
            return narrow.scale == wide.scale and narrow.precision <= wide.precision
        case (IntegerType(), LongType()) | (FloatType(), DoubleType()):
            return True
        case _:
            return narrow == wide


def _partitioning(table: Table, renamed: Mapping[str, str] | None = None) -> _Partitioning:
    columns = (table.schema().find_column_name(field.source_id) for field in table.spec().fields)
    return [
        ((renamed or {}).get(str(column), str(column)), field.transform)
        for column, field in zip(columns, table.spec().fields, strict=True)
    ]


def _declared_partitioning(name: TableName, wanted: _Columns, layout: LakeLayout) -> _Partitioning:
    return [(rule.column, transform_of(name, rule, wanted[rule.column].type)) for rule in layout.partitioning]
