"""The exports that the dbt project declares: exposures with `config.meta.export`."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


class CsvEncoding(StrEnum):
    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    """With the mark by which Excel recognises UTF-8."""
    CP932 = "cp932"


class Export(BaseModel):
    """Which model becomes which files. `partition_by` is the model's business day; without it there is one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    model: str
    schema_name: str
    description: str = ""
    owner: str = ""
    email: str | None = None
    format: Format
    encoding: CsvEncoding | None = None
    partition_by: str | None = None
    file_stem: str

    @model_validator(mode="after")
    def _encoding_is_for_text(self) -> Self:
        if (self.encoding is None) == (self.format is Format.CSV):
            raise ValueError(f"'encoding' belongs to csv and only to csv; allowed: {', '.join(CsvEncoding)}")
        return self


def exports_of(manifest: dict[str, Any]) -> Iterator[Export | str]:
    """Every export, or in its place what is wrong with it."""
    exposures = manifest.get("exposures", {})
    for exposure in sorted(exposures.values(), key=lambda e: str(e["name"])):
        if "export" not in (meta := exposure["config"]["meta"]):
            continue
        where = f"{exposure['original_file_path']}: exposure {exposure['name']}"
        models = [name for name in exposure["depends_on"]["nodes"] if name.startswith("model.")]
        if len(models) != 1:
            yield f"{where}: an export is of exactly one model, and this depends on {len(models)}"
            continue
        node = manifest["nodes"][models[0]]
        said = {"file_stem": exposure["name"], **meta["export"]}
        try:
            yield Export.model_validate(
                {
                    **said,
                    "name": exposure["name"],
                    "model": node["name"],
                    "schema_name": node["schema"],
                    "description": exposure["description"],
                    "owner": exposure["owner"].get("name") or exposure["owner"].get("email") or "",
                    "email": exposure["owner"].get("email"),
                }
            )
        except ValidationError as error:
            for problem in error.errors():
                key = ".".join(str(part) for part in problem["loc"])
                message = problem["msg"].removeprefix("Value error, ")
                if problem["type"] == "extra_forbidden":
                    message = "unknown key; allowed: encoding, file_stem, format, partition_by"
                yield f"{where}: {key}: {message}" if key else f"{where}: {message}"
