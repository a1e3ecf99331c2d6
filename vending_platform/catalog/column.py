"""What a contract can say about one column of a delivered file, checked when it is loaded."""

import re
from decimal import Decimal
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator, model_validator

from vending_platform.catalog.declared import Declared, TimeZone, Words
from vending_platform.catalog.types import LogicalType, format_pattern, parse_type

_DEFAULT_FORMATS = {"date": ("%Y-%m-%d",), "timestamp": ("%Y-%m-%d %H:%M:%S",)}
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"\$(?:\.[^.\[\]]+)+")


class Range(Declared):
    min: Decimal | None = None
    max: Decimal | None = None

    @model_validator(mode="after")
    def _is_no_contradiction(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self


class Column(Declared):
    """One column of a delivered file. `required` means: the header has it and no row leaves it empty."""

    name: str
    type: LogicalType
    description: str = ""
    header: str = ""
    path: str | None = None
    required: bool = False
    values: Words = ()
    range: Range | None = None
    pattern: str | None = None
    formats: Words = ()
    time_zone: TimeZone | None = None
    ambiguous_times: Literal["earlier", "later"] | None = None
    true_values: Words = ("true",)
    false_values: Words = ("false",)
    personal: bool = False
    references: str | None = None

    @field_validator("type", mode="before")
    @classmethod
    def _parse_type(cls, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("data_type is missing: it says which values the column may hold")
        return parse_type(value)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                pc.match_substring_regex(pa.array([""]), value)
            except pa.ArrowInvalid as error:
                raise ValueError(f"pattern {value!r} can't be used: {error}") from None
        return value

    @field_validator("path")
    @classmethod
    def _path_is_possible(cls, value: str | None) -> str | None:
        if value is not None and not _PATH.fullmatch(value):
            raise ValueError(f"{value!r} is not a path; write $ and a name for each level, such as $.customer.id")
        return value

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        kind = self.type.kind
        if not IDENTIFIER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be a column's name: lower-case letters, digits and _; see 'header'")
        for key, kinds in {
            "values": ("text",),
            "pattern": ("text",),
            "range": ("integer", "decimal"),
            "formats": ("date", "timestamp", "text"),  # of a text the source says more
            "time_zone": ("timestamp",),
            "ambiguous_times": ("timestamp",),
            "true_values": ("boolean",),
            "false_values": ("boolean",),
        }.items():
            if key in self.model_fields_set and getattr(self, key) is not None and kind not in kinds:
                raise ValueError(f"{key!r} means nothing for type {kind}, only for: {', '.join(kinds)}")
        self._check_range()
        if both := set(self.true_values) & set(self.false_values):
            raise ValueError(f"{both.pop()!r} is both a true and a false value")
        for form in self.formats:
            format_pattern(self.kind_of_formats, form)
        return self

    def _check_range(self) -> None:
        """A bound must be a value of the column's own type, so that nothing is rounded when it is compared."""
        for bound in (self.range.min, self.range.max) if self.range is not None else ():
            scale = -int(bound.as_tuple().exponent) if bound is not None else 0
            if scale > self.type.scale:
                raise ValueError(f"range {bound} has more decimals than {self.type}")

    @property
    def text_in_header(self) -> str:
        return self.header or self.name

    @property
    def keys(self) -> tuple[str, ...]:
        """Where its value is in a row that has names of its own: of each level the name."""
        return tuple(self.path.split(".")[1:]) if self.path is not None else (self.text_in_header,)

    @property
    def place(self) -> str:
        """The same as people write it."""
        return ".".join(self.keys)

    @property
    def kind_of_formats(self) -> str:
        """Of a text the formats say how a day is read from it."""
        return "date" if self.type.kind == "text" else self.type.kind

    @property
    def accepted_formats(self) -> tuple[str, ...]:
        return self.formats or _DEFAULT_FORMATS[self.type.kind]
