"""The contract of a source: its files and its columns, checked when it is loaded.

A `Source` is one dbt source with `config.meta.files`. Everything in here is data: how a rule is applied is
ingestion's business.
"""

import hashlib
import json
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from vending_platform.catalog.column import IDENTIFIER, Column
from vending_platform.catalog.declared import Declared
from vending_platform.catalog.extract import AnyExtract
from vending_platform.catalog.file_format import ContentFormat, DeliveryMode, FileFormat
from vending_platform.catalog.grain import Grain
from vending_platform.catalog.names import NameParts, NamePattern, parse_name_pattern

_BESIDE_READING = (
    *("names", "first_day", "sender", "required", "block_above"),
    *("quarantine_for", "archive_after", "package"),
)
"""What a contract says about files without changing what is read from their bytes."""
_SINCE = {
    "trim": False,
    "negative_in_parentheses": False,
    "day_time_zone": None,
    "duplicates": "reject",
    "grain": None,
    "format": "csv",
    "has_header": True,
}
"""Keys that contracts did not have from the beginning: at these values they change nothing of what was read before."""
_SENDER_COLUMN = "machine_column"
"""What the hash calls the sender's column: contracts called it so when the oldest files in a ledger were read."""


_FORMS = {"date": ("%Y-%m-%d",), "timestamp": ("%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f")}
"""How values of Parquet are written as text."""


class Source(Declared):
    """The contract of one kind of delivered file: what dbt calls a source's table."""

    name: str
    schema_name: str
    unique_id: str = ""
    declared_in: str
    description: str = ""
    files: FileFormat
    extract: AnyExtract | None = None
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not IDENTIFIER.fullmatch(self.name):
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
        self._check_places()
        if not self.files.has_header:
            for column in self.columns:
                if column.header:
                    raise ValueError(f"column {column.name}: 'header' means nothing for files without a header")
        for key, wanted in {
            "key": self.files.key,
            "sender.column": [self.files.sender_column],
            "day_column": [self.files.day_column],
        }.items():
            for name in wanted:
                if name is None:
                    continue
                if name not in names:
                    raise ValueError(f"{key} names {name!r}, which is not a column; columns: {', '.join(names)}")
                if not self.column(name).required:
                    raise ValueError(f"{key} names {name!r}, so that column must be required")
        self._check_days()
        self._check_extract()
        return self

    def _check_places(self) -> None:
        """Where the columns are in rows that have names of their own."""
        is_csv = self.files.format is ContentFormat.CSV
        for column in self.columns:
            if is_csv and column.path is not None:
                raise ValueError(
                    f"column {column.name}: 'path' means nothing for format 'csv', only for: parquet, jsonl"
                )
            for other in self.columns:
                if other is not column and not is_csv and other.keys[: len(column.keys)] == column.keys:
                    raise ValueError(f"column {other.name} is in {column.place}, which is column {column.name}")
            if self.files.format is ContentFormat.PARQUET and column.type.kind != "text":
                for key in ("formats", "true_values", "false_values"):
                    if key in column.model_fields_set:
                        raise ValueError(f"column {column.name}: {key!r} means nothing for format 'parquet'")

    def _check_days(self) -> None:
        day_column = self.files.day_column
        for column in self.columns:
            if column.type.kind == "text" and column.formats and column.name != day_column:
                raise ValueError(
                    f"column {column.name}: 'formats' means nothing for type text, only for: date, timestamp, and for"
                    " a text that is the day_column"
                )
        zone = self.files.day_time_zone
        if zone is not None and (day_column is None or self.column(day_column).type.kind != "timestamp"):
            raise ValueError("day_time_zone means something only with a day_column that is a timestamp")
        if day_column is None:
            return
        column = self.column(day_column)
        if column.type.kind not in ("date", "timestamp") and not (column.type.kind == "text" and column.formats):
            raise ValueError(
                f"day_column {day_column!r} must be a date or a timestamp, or a text with 'formats' that say how a day"
                f" is read from it; it is {column.type}"
            )

    def _check_extract(self) -> None:
        if (extract := self.extract) is None:
            return
        if problem := extract.problem_with(self.files, self.patterns):
            raise ValueError(problem)
        for key, name, kinds in extract.columns_named():
            found = [column for column in self.columns if column.name == name]
            if not found or found[0].type.kind not in kinds:
                is_what = f"is {found[0].type}" if found else "is not a column"
                raise ValueError(f"extract: {key} names {name!r}, which {is_what}; it must be {' or '.join(kinds)}")
        if nested := [column for column in self.columns if column.path is not None]:
            raise ValueError(f"column {nested[0].name}: 'path' means nothing for what is extracted")

    @property
    def is_dated(self) -> bool:
        """Whether a file belongs to the business day or the month in its name."""
        return self.files.is_dated

    @property
    def grain(self) -> Grain | None:
        """How long its periods are: those of its files or of its rows; None if it has no days."""
        if not self.has_days:
            return None
        return Grain.MONTH if self.files.delivery is DeliveryMode.MONTHLY else self.files.grain or Grain.DAY

    @property
    def compares_days(self) -> bool:
        """Whether the `day_column` decides between rows with the same key: a text doesn't, nor does a time whose
        business day is another zone's, as not every warehouse compares those in the same way. Of what is extracted the
        latest extraction counts, whatever the row's day was before."""
        day = self.files.day_column
        comparable = day is not None and self.column(day).type.kind != "text" and self.files.day_time_zone is None
        return comparable and self.extract is None

    @property
    def has_days(self) -> bool:
        """Whether its rows have business days: from the file's name, or each from its own column."""
        return self.is_dated or self.files.day_column is not None

    @property
    def counted_in(self) -> str:
        """What a row's number counts: lines of text, or rows."""
        return "line" if self.files.format is ContentFormat.CSV else "row"

    @property
    def as_read(self) -> "Source":
        """The contract of the text that reading gives. Of Parquet it is in one form, whatever the file holds: times
        with what they are from UTC, where they are moments, and without, where they are what clocks showed."""
        if self.files.format is not ContentFormat.PARQUET:
            return self
        columns = [
            column.model_copy(update={"formats": forms}) if (forms := _FORMS.get(column.type.kind)) else column
            for column in self.columns
        ]
        return self.model_copy(update={"columns": tuple(columns)})

    @cached_property
    def patterns(self) -> tuple[NamePattern, ...]:
        return tuple(parse_name_pattern(template, self.files.sender_name) for template in self.files.names)

    @cached_property
    def manifest_pattern(self) -> NamePattern:
        """Of the package that its files belong to."""
        assert self.files.package is not None  # only of a source with a package it is looked for
        return parse_name_pattern(self.files.package.manifest, self.files.sender_name)

    @cached_property
    def plain_header(self) -> bytes:
        """The first line of a file that looks exactly as the contract says, in UTF-8 and without its end."""
        return self.files.delimiter.join(column.text_in_header for column in self.columns).encode()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def match(self, path: str) -> NameParts | None:
        """What a path says under this contract; None if it is another source's file."""
        name = path.rsplit("/", 1)[-1]
        found = (pattern.match(path if pattern.has_folders else name) for pattern in self.patterns)
        return next(filter(None, found), None)

    @cached_property
    def reading_hash(self) -> str:
        """Changes when the same bytes could give other rows; a new description changes nothing."""
        beside = {"unique_id", "declared_in", "description", "extract"}
        said: dict[str, Any] = self.model_dump(mode="json", exclude=beside)
        for key in _BESIDE_READING:
            said["files"].pop(key)
        said["files"][_SENDER_COLUMN] = self.files.sender_column
        if self.is_dated or self.files.grain is Grain.DAY:
            said["files"]["grain"] = None  # it only repeats what is so without it
        for key, default in _SINCE.items():
            if said["files"][key] == default:
                said["files"].pop(key)
        for column in said["columns"]:
            column.pop("description")
            column.pop("personal")
            column.pop("references")
            for key in ("ambiguous_times", "path"):
                if column[key] is None:
                    column.pop(key)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
