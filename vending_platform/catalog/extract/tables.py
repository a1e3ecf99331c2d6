"""The tables of databases that a contract can declare."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from vending_platform.catalog.declared import Duration
from vending_platform.catalog.extract.declared import Extract, SystemName
from vending_platform.catalog.file_format import DeliveryMode, FileFormat
from vending_platform.catalog.names import NamePattern

_OF_INCREMENTS = ("watermark", "overlap", "compare_keys", "deleted")


class ExtractTable(Extract):
    """One table of a database. Delivery `snapshot` means the whole table every time, `append` only what changed since
    the last time."""

    tags = frozenset({"mysql", "parquet"})

    database: str = Field(min_length=1)
    """A key of `databases` in environments.yml."""
    table: str = Field(min_length=1)
    watermark: str | None = None
    """The column that the database sets whenever it writes a row."""
    overlap: Duration = timedelta(hours=1)
    """How long before the watermark rows are read again, because a transaction may have been open for that long."""
    compare_keys: Duration | None = None
    """How often all keys are compared, which finds what was deleted, and what was committed later than `overlap`."""
    deleted: str | None = None
    """The column that is true in the last delivery of a row which was deleted; the table itself does not have it."""

    @property
    def system(self) -> SystemName:
        return SystemName("database", self.database)

    @property
    def description(self) -> str:
        what = "the whole table" if self.watermark is None else f"what changed, by {self.watermark}"
        return f"The table `{self.table}` of the database {self.database}: {what}."

    @property
    def has_past(self) -> bool:
        return self.watermark is not None

    def columns_named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.watermark is not None:
            yield "watermark", self.watermark, ("date", "timestamp")
        if self.deleted is not None:
            yield "deleted", self.deleted, ("boolean",)

    def problem_with(self, files: FileFormat, patterns: tuple[NamePattern, ...]) -> str | None:
        if problem := super().problem_with(files, patterns):
            return problem
        (pattern,) = patterns
        match files.delivery:
            case DeliveryMode.SNAPSHOT:
                if said := [key for key in _OF_INCREMENTS if key in self.model_fields_set]:
                    return f"extract: {said[0]} means nothing for delivery 'snapshot', which is the whole table"
                needed = "{yyyymmdd}"
            case DeliveryMode.APPEND:
                if problem := self._problem_with_increments(files):
                    return problem
                needed = "{any}"
            case other:
                return f"extract needs delivery 'snapshot' (whole tables) or 'append' (changes), not {other.value!r}"
        if pattern.template.count("{") != 1 or needed not in pattern.template:
            return f"extract needs {needed} in the name, and nothing else in braces: {pattern.template!r}"
        if files.duplicates != "reject":
            return "extract needs one row per key: duplicates can't be 'keep'"
        return None

    def _problem_with_increments(self, files: FileFormat) -> str | None:
        if self.watermark is None:
            return "extract: delivery 'append' needs a watermark, by which changes are found"
        if (self.compare_keys is None) != (self.deleted is None):
            return "extract: compare_keys and deleted belong together: the one finds deleted rows, the other marks them"
        if self.deleted is not None and files.archive_after is not None:
            return "extract: compare_keys reads earlier deliveries, so archive_after must not take them away"
        return None
