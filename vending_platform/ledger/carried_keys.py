"""`raw._carried_keys`: keys of masters for which the row of another version than the day's own holds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date

import pyarrow as pa

from vending_platform.warehouse import Change, Reader, TableName, literal

CARRIED_KEYS = TableName("raw", "_carried_keys")
CARRIED_KEYS_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("key", pa.string()),
        ("first_day", pa.date32()),
        ("version", pa.string()),
        ("due_from", pa.date32()),
        ("due_until", pa.date32()),
    ]
)


@dataclass(frozen=True)
class Carry:
    """From a day on the content of another version holds for a key; none where the version of the day lists it."""

    first_day: date
    version: str = ""
    due_from: date | None = None
    due_until: date | None = None
    """Between which days its row says that deliveries are due."""


def read_carried(reader: Reader, source: str) -> dict[str, list[Carry]]:
    """By key, in the order of the days."""
    found: dict[str, list[Carry]] = defaultdict(list)
    if reader.has_table(CARRIED_KEYS):
        rows = reader.query(
            f"select {', '.join(CARRIED_KEYS_SCHEMA.names[1:])} from {CARRIED_KEYS}"
            f" where source = {literal(source)} order by 1, 2"
        )
        for key, *carry in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            found[key].append(Carry(*carry))
    return found


def note_carried(source: str, keys: Mapping[str, Sequence[Carry]]) -> Change:
    """What is carried for these keys now; of one without anything, nothing."""
    gone = pa.table({"source": pa.array([source] * len(keys), pa.string()), "key": pa.array(list(keys), pa.string())})
    rows = [(source, key, *astuple(carry)) for key, carries in keys.items() for carry in carries]
    columns = list(zip(*rows, strict=True)) or [()] * len(CARRIED_KEYS_SCHEMA)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, CARRIED_KEYS_SCHEMA.types, strict=True)]
    return Change(CARRIED_KEYS, delete=gone, insert=pa.table(arrays, CARRIED_KEYS_SCHEMA))
