"""The items of DynamoDB tables that a contract can declare."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from vending_platform.catalog.declared import Words
from vending_platform.catalog.extract.declared import Extract, SystemName
from vending_platform.catalog.file_format import DeliveryMode, FileFormat
from vending_platform.catalog.names import NamePattern

EXPORTS_FOLDER = "internal/dynamodb-exports"
"""Below the raw place: exports that extractions read. Their files are no deliveries."""


class ExtractItems(Extract):
    """The items of one kind in a table of DynamoDB: all of them the first time, then what changed."""

    tags = frozenset({"dynamodb", "parquet"})

    dynamodb: str = Field(min_length=1)
    """A key of `dynamodb` in environments.yml."""
    where: Mapping[str, Words] = Field(default_factory=dict)
    """Which items of the table these are: attributes, each with the text that it has, or several; a `*` at the end
    stands for any more characters."""
    deleted: str | None = None
    """The column that is true in the last delivery of an item which was deleted, or expired; no item has it."""
    rest: str | None = None
    """The column with what no other column takes exactly: attributes that the contract does not name, and nulls."""

    @property
    def system(self) -> SystemName:
        return SystemName("dynamodb", self.dynamodb)

    @property
    def description(self) -> str:
        rules = " and ".join(f"{name} is {' or '.join(values)}" for name, values in self.where.items())
        return f"Items of the DynamoDB table {self.dynamodb}{' whose ' if rules else ''}{rules}: what changed."

    @property
    def has_past(self) -> bool:
        return True

    def columns_named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.deleted is not None:
            yield "deleted", self.deleted, ("boolean",)
        if self.rest is not None:
            yield "rest", self.rest, ("text",)

    def problem_with(self, files: FileFormat, patterns: tuple[NamePattern, ...]) -> str | None:
        if problem := super().problem_with(files, patterns):
            return problem
        (pattern,) = patterns
        if files.delivery is not DeliveryMode.APPEND:
            return f"extract needs delivery 'append' for items (what changed), not {files.delivery.value!r}"
        if pattern.template.count("{") != 1 or "{any}" not in pattern.template:
            return f"extract needs {{any}} in the name, and nothing else in braces: {pattern.template!r}"
        if files.duplicates != "reject":
            return "extract needs one row per key: duplicates can't be 'keep'"
        if self.deleted is not None and files.archive_after is not None:
            return "extract: deleted rows are found in earlier deliveries, so archive_after must not take them away"
        if wrong := [name for name, values in self.where.items() if not values]:
            return f"extract: where names {wrong[0]!r} without a value"
        return None
