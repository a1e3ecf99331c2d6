"""What a contract can say about a delivered file and its columns, checked when it is loaded.

A `Source` is one dbt source with `config.meta.files`. Everything in here is data: how a rule is applied is
ingestion's business.
"""

import hashlib
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from vending_platform.catalog.names import NameParts, NamePattern, parse_name_pattern
from vending_platform.catalog.types import LogicalType, format_pattern, parse_type

_DEFAULT_FORMATS = {"date": ("%Y-%m-%d",), "timestamp": ("%Y-%m-%d %H:%M:%S",)}
_BESIDE_READING = (
    *("names", "first_day", "expected_from", "required", "block_above"),
    *("quarantine_for", "archive_after"),
)
"""What a contract says about files without changing what is read from their bytes."""
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class _Declared(BaseModel):
    """A misspelt key is an error, never an ignored wish."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


def _duration(value: object) -> object:
    found = re.fullmatch(r"(\d+)(m|h|d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no duration; write a number and m, h or d, such as 90m, 2h or 400d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


def _share(value: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", value) if isinstance(value, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError(f"{value!r} is no share; write a percentage from 0% to 100%")
    return float(found[1]) / 100


def _ascii(value: str) -> str:
    if not value.isascii():
        raise ValueError(f"{value!r} is not ASCII, and only ASCII stands for itself in the bytes of every encoding")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Share = Annotated[float, BeforeValidator(_share)]
Character = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_ascii)]


class Delivery(StrEnum):
    """How the files of a source relate to each other."""

    DAILY = "daily"
    """A file belongs to the business day in its name."""
    SNAPSHOT = "snapshot"
    """The newest file is the whole table; older versions are kept as its history."""
    APPEND = "append"
    """Every file adds rows; the name gives no day."""


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    CP932 = "cp932"


class Range(_Declared):
    min: Decimal | None = None
    max: Decimal | None = None

    @model_validator(mode="after")
    def _is_no_contradiction(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self


class Column(_Declared):
    """One column of a delivered file. `required` means: the header has it and no row leaves it empty."""

    name: str
    type: LogicalType
    description: str = ""
    header: str = ""
    required: bool = False
    values: tuple[str, ...] = ()
    range: Range | None = None
    pattern: str | None = None
    formats: tuple[str, ...] = ()
    time_zone: str | None = None
    true_values: tuple[str, ...] = ("true",)
    false_values: tuple[str, ...] = ("false",)
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

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        kind = self.type.kind
        if not _IDENTIFIER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be a column's name: lower-case letters, digits and _; see 'header'")
        for key, kinds in {
            "values": ("text",),
            "pattern": ("text",),
            "range": ("integer", "decimal"),
            "formats": ("date", "timestamp"),
            "time_zone": ("timestamp",),
            "true_values": ("boolean",),
            "false_values": ("boolean",),
        }.items():
            if key in self.model_fields_set and kind not in kinds:
                raise ValueError(f"{key!r} means nothing for type {kind}, only for: {', '.join(kinds)}")
        self._check_range()
        if both := set(self.true_values) & set(self.false_values):
            raise ValueError(f"{both.pop()!r} is both a true and a false value")
        for form in self.formats:
            format_pattern(kind, form)
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError(f"{self.time_zone!r} is no time zone; write a name such as Asia/Tokyo") from None
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
    def accepted_formats(self) -> tuple[str, ...]:
        return self.formats or _DEFAULT_FORMATS[self.type.kind]


class Expected(_Declared):
    """Who must deliver: one row of another source per machine, with the days between which it is due."""

    source: str
    machine: str
    since: str
    until: str


class Files(_Declared):
    """How a source's files look, and what is done when one does not look like that."""

    names: tuple[str, ...] = Field(min_length=1)
    delivery: Delivery
    key: tuple[str, ...] = Field(min_length=1)
    machine_column: str | None = None
    day_column: str | None = None
    day_tolerance: Duration = timedelta(0)
    encodings: tuple[Encoding, ...] = Field((Encoding.UTF_8,), min_length=1)
    delimiter: Character = ","
    quote: Character | Literal["none"] = '"'
    decimal_mark: Character = "."
    thousands_mark: Character | None = None
    currency_signs: tuple[str, ...] = ()
    final_newline: Literal["required", "optional"] = "required"
    unknown_columns: Literal["keep", "refuse"] = "keep"
    missing_columns: Literal["fill", "refuse"] = "fill"
    refuse_above: Share = 0.5
    block_above: Share = 0.5
    first_day: date = date(2020, 1, 1)
    min_rows: int = Field(0, ge=0)
    required: bool = False
    quarantine_for: Duration = timedelta(days=400)
    archive_after: Duration | None = None
    expected_from: Expected | None = None

    @field_validator("names")
    @classmethod
    def _names_are_possible(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for template in value:
            parse_name_pattern(template)
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        patterns = [parse_name_pattern(template) for template in self.names]
        for pattern in patterns:
            if self.delivery is Delivery.DAILY and not pattern.has_day:
                raise ValueError(f"delivery 'daily' needs the day in the name, and {pattern.template!r} has none")
            if self.delivery is Delivery.APPEND and pattern.has_day:
                raise ValueError(f"delivery 'append' has no day in the name, and {pattern.template!r} has one")
            if self.delivery is Delivery.SNAPSHOT and pattern.has_machine:
                raise ValueError(f"delivery 'snapshot' is one file for all, and {pattern.template!r} names a machine")
            if self.machine_column and not pattern.has_machine:
                raise ValueError(f"machine_column needs the machine in the name, and {pattern.template!r} has none")
        if self.delivery is Delivery.SNAPSHOT and self.day_column:
            raise ValueError("day_column means nothing for delivery 'snapshot'")
        if self.day_tolerance and not (self.delivery is Delivery.DAILY and self.day_column):
            raise ValueError("day_tolerance means something only for delivery 'daily' with a day_column")
        if len({self.delimiter, self.quote, "\n", "\r"}) < 4:
            raise ValueError("delimiter and quote must differ from each other and from a line end")
        if self.decimal_mark == self.thousands_mark:
            raise ValueError(f"decimal_mark and thousands_mark can't both be {self.decimal_mark!r}")
        return self


class Source(_Declared):
    """The contract of one kind of delivered file: what dbt calls a source's table."""

    name: str
    schema_name: str
    unique_id: str = ""
    declared_in: str
    description: str = ""
    files: Files
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not _IDENTIFIER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be a table's name: lower-case letters, digits and _, a letter first")
        for column in self.columns:
            header = column.text_in_header
            if header != header.strip() or {self.files.delimiter, self.files.quote, "\n", "\r"} & set(header):
                raise ValueError(f"header {header!r} has a blank at an end, a delimiter, a quote or a line end")
        names = [column.name for column in self.columns]
        headers = [column.text_in_header for column in self.columns]
        for header in headers:
            if headers.count(header) > 1:
                raise ValueError(f"header {header!r} belongs to two columns")
        for key, wanted in {
            "key": self.files.key,
            "machine_column": [self.files.machine_column],
            "day_column": [self.files.day_column],
        }.items():
            for name in wanted:
                if name is None:
                    continue
                if name not in names:
                    raise ValueError(f"{key} names {name!r}, which is no column; columns: {', '.join(names)}")
                if not self.column(name).required:
                    raise ValueError(f"{key} names {name!r}, so that column must be required")
        if self.files.day_column and self.column(self.files.day_column).type.kind not in ("date", "timestamp"):
            raise ValueError(f"day_column {self.files.day_column!r} must be a date or a timestamp")
        return self

    @property
    def is_daily(self) -> bool:
        """Whether a file belongs to the business day in its name."""
        return self.files.delivery is Delivery.DAILY

    @cached_property
    def patterns(self) -> tuple[NamePattern, ...]:
        return tuple(parse_name_pattern(template) for template in self.files.names)

    @cached_property
    def plain_header(self) -> bytes:
        """The first line of a file that looks exactly as the contract says, in UTF-8 and without its end."""
        return self.files.delimiter.join(column.text_in_header for column in self.columns).encode()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def match(self, file_name: str) -> NameParts | None:
        """What the name says under this contract; None if it is another source's file."""
        return next((parts for pattern in self.patterns if (parts := pattern.match(file_name))), None)

    @cached_property
    def reading_hash(self) -> str:
        """Changes when the same bytes could give other rows; a new description changes nothing."""
        said: dict[str, Any] = self.model_dump(mode="json", exclude={"unique_id", "declared_in", "description"})
        for key in _BESIDE_READING:
            said["files"].pop(key)
        for column in said["columns"]:
            column.pop("description")
            column.pop("personal")
            column.pop("references")
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
