"""Tables of the warehouse as DataFrames, and back, without losing a digit."""

from typing import Any

import pyarrow as pa

from vending_platform.errors import ConfigurationError

_KEPT_AS_THEY_ARE = (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32())
_MOST_DIGITS = 38


class NotATable(ConfigurationError):
    """The message says what can't be kept as a table, and what can."""


def as_frame(rows: pa.Table, wanted: Any) -> Any:
    """The rows as the type that the reader requests: a DataFrame of pandas unless it is one of polars or a table of
    Arrow. pandas gets Arrow's own types, as its others have no decimals, no dates, and no integers beside nulls."""
    if wanted is pa.Table:
        return rows
    if _is_of(wanted, "polars"):
        import polars

        frame = polars.from_arrow(rows)
        assert isinstance(frame, polars.DataFrame)  # of a table; only a single column becomes a series
        return frame.lazy() if wanted is polars.LazyFrame else frame
    import pandas

    if wanted in (pandas.DataFrame, Any, object, type(None)):
        return rows.to_pandas(types_mapper=pandas.ArrowDtype)
    name = getattr(wanted, "__name__", wanted)
    raise NotATable(f"a table can't be loaded as {name}: request a pandas.DataFrame, polars.DataFrame or pyarrow.Table")


def as_rows(value: Any) -> pa.Table:
    """What a warehouse can keep of a DataFrame or a table, in types that all warehouses have."""
    kind = type(value)
    if isinstance(value, pa.Table):
        rows = value
    elif _is_of(kind, "polars") and kind.__name__ in ("DataFrame", "LazyFrame"):
        rows = value.lazy().collect().to_arrow()
    elif _is_of(kind, "pandas") and kind.__name__ == "DataFrame":
        if index := [str(name) for name in value.index.names if name is not None]:
            raise NotATable(f"the index ({', '.join(index)}) would be lost: return frame.reset_index()")
        rows = pa.Table.from_pandas(value, preserve_index=False).replace_schema_metadata(None)
    else:
        raise NotATable(
            f"a {kind.__name__} is not a table: return a pandas.DataFrame, a polars.DataFrame or a pyarrow.Table"
        )
    names = [name.lower() for name in rows.column_names]
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise NotATable(f"several columns are called {', '.join(duplicates)}, and a table has each name once")
    fields = [pa.field(name, _kept(field)) for name, field in zip(names, rows.schema, strict=True)]
    return rows.rename_columns(names).cast(pa.schema(fields))


def _is_of(kind: Any, library: str) -> bool:
    return isinstance(kind, type) and kind.__module__.partition(".")[0] == library


def _kept(field: pa.Field) -> pa.DataType:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if kind in _KEPT_AS_THEY_ARE or (pa.types.is_decimal(kind) and kind.precision <= _MOST_DIGITS and kind.scale >= 0):
        return kind
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_date(kind):
        return pa.date32()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    raise NotATable(
        f"column {field.name} is of type {kind}, which a table can't have: make it a number, a text or a date"
    )
