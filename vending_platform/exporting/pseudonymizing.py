"""Columns whose values leave as keyed pseudonyms: the same for the same person in every file, and useless without the
key, which leaves with none of them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa

from vending_platform.catalog import Export
from vending_platform.errors import ConfigurationError
from vending_platform.exporting.contents import ExportRows
from vending_platform.exporting.shaping import sort_keys
from vending_platform.pseudonyms import Pseudonyms


class NoKey(ConfigurationError):
    """An export has pseudonyms, and no one has given the key."""


def no_key() -> Pseudonyms:
    raise NoKey("it has pseudonyms, and there is no key for them here")


def pseudonymized(
    export: Export, batches: Iterable[tuple[ExportRows, ...]], pseudonyms: Pseudonyms
) -> Iterator[tuple[ExportRows, ...]]:
    """The same rows with pseudonyms, in an order that is made of these: the one before would tell the values."""
    for batch in batches:
        yield tuple(replace(content, rows=_with_pseudonyms(export, content.rows, pseudonyms)) for content in batch)


def _with_pseudonyms(export: Export, rows: pa.Table, pseudonyms: Pseudonyms) -> pa.Table:
    for name in export.pseudonyms:
        values = rows[name].cast(pa.string()).to_pylist()
        of_value = {value: pseudonyms.of(value) for value in set(values) if value is not None and value.strip()}
        column = pa.array([of_value.get(value) for value in values], pa.string())
        rows = rows.set_column(rows.column_names.index(name), name, column)
    return rows.sort_by(sort_keys(export, rows.column_names)).combine_chunks()
