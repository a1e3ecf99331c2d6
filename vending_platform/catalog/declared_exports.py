"""Reads the exports out of dbt's manifest, and holds each against the model that it is of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from vending_platform.catalog.exports import Audience, Export, ExportColumn, ExportSetting, Suppression

_NUMBERS = ("bigint", "integer", "int", "smallint", "decimal", "numeric", "number", "double", "float")
_WHOLE_NUMBERS = ("bigint", "integer", "int", "smallint")
_OURS = {"name", "model", "schema_name", "description", "owner", "email", "column_descriptions"}
"""What the exposure says elsewhere."""


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
        if exposure["name"] in {other["name"] for other in manifest["nodes"].values()}:
            yield f"{where}: a model has that name too, and dbt, asked to build it, would take both"
            continue
        node = manifest["nodes"][models[0]]
        said = {"file_stem": exposure["name"], **meta["export"]}
        if ours := sorted(_OURS & meta["export"].keys()):
            yield f"{where}: {ours[0]}: {_unknown(Export)}"
            continue
        try:
            export = Export.model_validate(
                {
                    **said,
                    "name": exposure["name"],
                    "model": node["name"],
                    "schema_name": node["schema"],
                    "description": exposure["description"],
                    "owner": exposure["owner"].get("name") or exposure["owner"].get("email") or "",
                    "email": exposure["owner"].get("email"),
                    "column_descriptions": {
                        name: column.get("description", "") for name, column in node.get("columns", {}).items()
                    },
                }
            )
        except ValidationError as error:
            yield from (f"{where}: {problem}" for problem in _explain(error))
            continue
        problems = [f"{where}: {problem}" for problem in _held_against(export, _ModelColumns.of(node))]
        if problems:
            yield from problems
        else:
            yield export


def _unknown(holder: type[ExportSetting]) -> str:
    allowed = holder.model_fields.keys() - (_OURS if holder is Export else set())
    return f"unknown key; allowed: {', '.join(sorted(allowed))}"


def _explain(error: ValidationError) -> Iterator[str]:
    holders: dict[str | int, type[ExportSetting]] = {"columns": ExportColumn, "suppress": Suppression}
    for problem in error.errors():
        place = problem["loc"]
        key = ".".join(str(part) for part in place)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = _unknown(holders[place[0]] if len(place) > 1 else Export)
        yield f"{key}: {message}" if key else message


@dataclass(frozen=True)
class _ModelColumns:
    """What the model declares of its columns."""

    model: str
    kinds: Mapping[str, str]
    """The type of each, without its digits."""
    personal: frozenset[str]
    are_all: bool
    """Whether dbt sees to it that there are no others."""
    is_dated: bool

    @classmethod
    def of(cls, node: dict[str, Any]) -> "_ModelColumns":
        columns = node.get("columns", {})
        return cls(
            model=node["name"],
            kinds={name: (column.get("data_type") or "").lower().split("(")[0] for name, column in columns.items()},
            personal=frozenset(
                name for name, column in columns.items() if column.get("config", {}).get("meta", {}).get("personal")
            ),
            are_all=node["config"].get("contract", {}).get("enforced", True),
            is_dated=node["config"]["materialized"] == "incremental",
        )


def _held_against(export: Export, model: _ModelColumns) -> Iterator[str]:
    """What is wrong with an export, given what its model declares."""
    suppressed = [] if export.suppress is None else [export.suppress.count, *export.suppress.columns]
    totals = [] if export.suppress is None else list(export.suppress.totals)
    named = {
        "columns": [column.name for column in export.columns],
        "partition_by": [export.partition_by] if export.partition_by and model.kinds else [],
        "split_by": [export.split_by] if export.split_by else [],
        "order_by": [name for name, _ in export.ordered_by],
        "mask": list(export.mask),
        "pseudonyms": list(export.pseudonyms),
        "suppress": [*suppressed, *totals],
        "key": list(export.key),
        "partitioning": [rule.column for rule in export.partitioning],
    }
    unknown = [(key, name) for key, names in named.items() for name in names if name not in model.kinds]
    for key, name in unknown:
        near = get_close_matches(name, model.kinds, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"it declares: {', '.join(model.kinds) or 'none'}"
        yield f"{key}: {model.model} declares no column {name!r}; {meant}"
    if unknown:
        return
    if export.partition_by is not None and not model.is_dated:
        yield f"partition_by: {model.model} is built as a whole, not by day, and is one file"
    if not export.columns and not model.are_all:
        yield f"columns: {model.model} has no enforced contract, so the export has to name the columns that leave"
    leaving = export.leaving(model.kinds)
    for name in leaving:
        if name not in model.personal:
            continue
        if export.audience is Audience.PUBLIC:
            yield f"columns: {name} is personal data, which the public never gets, masked or not"
        elif name not in (*export.mask, *export.pseudonyms):
            yield f"columns: {name} is personal data: mask it, or name the columns that leave without it"
    for name in export.mask:
        if name not in leaving:
            yield f"mask: {name} does not leave, so there is nothing to mask"
    for name in export.pseudonyms:
        if name not in leaving:
            yield f"pseudonyms: {name} does not leave, so there is nothing to hide"
        if name in export.mask:
            yield f"pseudonyms: {name} is masked: its numbers mean something within one file only"
    for name in totals:
        if name in suppressed:
            yield f"suppress: {name} is blanked, so there are no totals of its values"
    hidden = model.personal.union(export.mask, export.pseudonyms, suppressed)
    for telling in ("split_by", "order_by"):
        for name in hidden.intersection(named[telling]):
            yield f"{telling}: {name} is personal, masked or suppressed, and the files' names or rows' order would tell"
    if export.suppress is not None:
        if model.kinds[export.suppress.count] not in _WHOLE_NUMBERS:
            yield f"suppress: {export.suppress.count} counts nothing: it is {model.kinds[export.suppress.count]}"
        for name in leaving:
            if model.kinds[name] in _NUMBERS and name not in suppressed and export.audience is Audience.PUBLIC:
                yield f"suppress: {name} is a figure for the public, and is not among the columns that are blanked"
