"""How a table of the lake is laid out, as an exposure or a source declares it: its key, its partitioning, renamings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, PlainSerializer

from vending_platform.catalog.declared import Declared, Words

Transform = Literal["identity", "year", "month", "day", "truncate"]
_OF_TIME = ("year", "month", "day")
_RULE = re.compile(r"(?:(year|month|day)\(\s*(\w+)\s*\)|truncate\(\s*(\w+)\s*,\s*([1-9][0-9]{0,4})\s*\)|(\w+))")


@dataclass(frozen=True)
class PartitionRule:
    """Rows with the same value of it are in the same files; a query that names the column reads only those."""

    transform: Transform
    column: str
    width: int | None = None

    def __str__(self) -> str:
        """As it is declared."""
        match self.transform:
            case "identity":
                return self.column
            case "truncate":
                return f"truncate({self.column}, {self.width})"
            case _:
                return f"{self.transform}({self.column})"

    @property
    def is_of_time(self) -> bool:
        return self.transform in _OF_TIME


def parse_partition_rule(declared: object) -> object:
    if isinstance(declared, PartitionRule):
        return declared
    found = _RULE.fullmatch(declared.strip()) if isinstance(declared, str) else None
    if found is None:
        raise ValueError(
            f"{declared!r} is not a rule of partitioning; write a column, year(COLUMN), month(COLUMN), day(COLUMN) or"
            " truncate(COLUMN, WIDTH)"
        )
    of_time, column, truncated, width, plain = found.groups()
    if of_time:
        return PartitionRule(cast(Transform, of_time), column)
    if truncated:
        return PartitionRule("truncate", truncated, int(width))
    return PartitionRule("identity", plain)


_Rule = Annotated[PartitionRule, BeforeValidator(parse_partition_rule), PlainSerializer(str)]
PartitionRules = tuple[_Rule, ...]


class LakeNamespace(StrEnum):
    """Tables as delivered, copies of operational tables, marts, and what models learned."""

    RAW = "raw"
    STAGING = "staging"
    GOLD = "gold"
    ML = "ml"


class LakeLayout(Declared):
    """`key` are the columns by which rows are merged; `renamed` gives new names the old ones, by which a column keeps
    its values."""

    key: Words = ()
    partitioning: PartitionRules = ()
    renamed: Mapping[str, str] = {}

    @property
    def as_declared(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
