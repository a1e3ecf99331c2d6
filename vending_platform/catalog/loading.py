"""Reads the contracts out of dbt's manifest; what is wrong is said in their own words, all at once."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from vending_platform.catalog.catalog import Catalog
from vending_platform.catalog.column import Column, Range
from vending_platform.catalog.contract import Source
from vending_platform.catalog.declared_exports import exports_of
from vending_platform.catalog.exports import Export
from vending_platform.catalog.extract import KINDS, Extract
from vending_platform.catalog.extract.api import ByCursor, ByLink, ByOffset, ByPage
from vending_platform.catalog.file_format import FileFormat, KnownFrom, PackageMember, Sender
from vending_platform.catalog.manifest import read_manifest
from vending_platform.catalog.models import Model, models_of
from vending_platform.catalog.names import NamePattern
from vending_platform.catalog.package import packages_of
from vending_platform.errors import ConfigurationError

_BESIDE_META = {"name", "type", "description"}
_NESTED: dict[str, type[BaseModel]] = {
    "range": Range,
    "sender": Sender,
    "sender.known_from": KnownFrom,
    "package": PackageMember,
    "paging.page": ByPage,
    "paging.offset": ByOffset,
    "paging.cursor": ByCursor,
    "paging.link": ByLink,
}


class ContractError(ConfigurationError):
    """Contracts that can't be used; one line per problem, with file, source, column and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_catalog(project_dir: Path, cache_dir: Path) -> Catalog:
    """Every contract of the dbt project in `project_dir`; `cache_dir` keeps the parsed manifest."""
    return catalog_of(read_manifest(project_dir, cache_dir))


def catalog_of(manifest: dict[str, Any]) -> Catalog:
    """Every contract that a dbt manifest declares; a `ContractError` lists all that is wrong, not just the first."""
    problems: list[str] = []
    sources: list[Source] = []
    names: set[str] = set()
    for declared in sorted(manifest["sources"].values(), key=lambda d: str(d["unique_id"])):
        meta = declared["config"]["meta"]
        where = f"{declared['original_file_path']}: source {declared['source_name']}.{declared['name']}"
        if "files" not in meta:
            near = get_close_matches("files", meta, n=1, cutoff=0.5)
            problems += [f"{where}: unknown key {key!r} in its meta; did you mean 'files'?" for key in near]
            problems += [f"{where}: extract says where files come from, and 'files' what they are: it is missing"][
                : "extract" in meta
            ]
            continue
        if "extract" not in meta:
            near = get_close_matches("extract", meta, n=1, cutoff=0.7)
            problems += [f"{where}: unknown key {key!r} in its meta; did you mean 'extract'?" for key in near]
        names.add(declared["identifier"])
        problems += [f"{where}: {problem}" for problem in _said_twice(declared)]
        try:
            sources.append(_source(declared, meta["files"], meta.get("extract")))
        except ValidationError as error:
            problems += [f"{where}: {problem}" for problem in _explain(error, declared)]
    problems += _problems_between(sources, names)
    problems += [wrong for wrong in packages_of(sources) if isinstance(wrong, str)]
    models = list(models_of(manifest))
    exports = list(exports_of(manifest))
    problems += [wrong for wrong in (*models, *exports) if isinstance(wrong, str)]
    if problems:
        raise ContractError(problems)
    return Catalog(
        tuple(sources),
        tuple(model for model in models if isinstance(model, Model)),
        tuple(export for export in exports if isinstance(export, Export)),
    )


def _source(declared: dict[str, Any], files: object, extract: object) -> Source:
    columns = [
        {
            **column["config"]["meta"],
            "name": name,
            "type": column["data_type"],
            "description": column["description"],
        }
        for name, column in declared["columns"].items()
    ]
    return Source.model_validate(
        {
            "name": declared["identifier"],
            "schema_name": declared["schema"],
            "unique_id": declared["unique_id"],
            "declared_in": declared["original_file_path"],
            "description": declared["description"],
            "files": files,
            "extract": extract,
            "columns": columns,
        }
    )


def _said_twice(declared: dict[str, Any]) -> Iterator[str]:
    """Keys in a column's meta for which dbt has a place of its own: there they would say nothing."""
    for name, column in declared["columns"].items():
        for key in sorted(_BESIDE_META & column["config"]["meta"].keys()):
            yield f"column {name}: {_unknown(key, Column)}"


def _unknown(key: str, holder: type[BaseModel]) -> str:
    allowed = sorted(set(holder.model_fields) - (_BESIDE_META if holder is Column else set()))
    return f"unknown key {key!r}; allowed: {', '.join(allowed)}"


def _explain(error: ValidationError, declared: dict[str, Any]) -> Iterator[str]:
    """Each problem in the contract's own words: the column's name in place of its number, the keys that exist."""
    columns = list(declared["columns"])
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        within: type[BaseModel] = FileFormat
        words = []
        if place[:1] == ["columns"] and len(place) > 1:
            words.append(f"column {columns[int(place[1])]}")
            within, place = Column, place[2:]
        if place[:1] == ["files"]:
            place = place[1:]
        elif place[:1] == ["extract"]:
            words.append("extract")
            within, place = KINDS.get(place[1], Extract) if len(place) > 1 else Extract, place[2:]
        if problem["type"] == "extra_forbidden":
            holder = _NESTED.get(".".join(place[:-1]), within)
            words.append(_unknown(".".join(place), holder))
        else:
            message = problem["msg"].removeprefix("Value error, ")
            words.append(f"{'.'.join(place)}: {message}" if place else message)
        yield ": ".join(words)


def _takes(one: NamePattern, other: NamePattern) -> bool:
    """Whether a pattern takes files of another one: a name is compared with the end of a path."""
    example = other.example
    if one.has_folders != other.has_folders:
        example = example.rsplit("/", 1)[-1] if other.has_folders else f"{one.example.rpartition('/')[0]}/{example}"
    return one.expression.fullmatch(example) is not None


def _problems_between(sources: list[Source], names: set[str]) -> Iterator[str]:
    """What is wrong although each contract by itself is fine; `names` are all sources, also those that are not."""
    by_name: dict[str, Source] = {}
    for source in sources:
        where = f"{source.declared_in}: source {source.name}"
        if source.name in by_name:
            yield f"{where}: the table is declared twice, also in {by_name[source.name].declared_in}"
        by_name[source.name] = source
        for other in sources:
            for pattern in source.patterns:
                if other is not source and any(_takes(one, pattern) for one in other.patterns):
                    yield f"{where}: name pattern {pattern.template!r} also takes files of source {other.name}"
    for source in sources:
        for column in source.columns:
            if column.references is not None and column.references not in names:
                where = f"{source.declared_in}: source {source.name}: column {column.name}"
                there_are = ", ".join(sorted(names))
                yield f"{where}: references {column.references!r}, which is not a source; there are: {there_are}"
    for source in sources:
        if (known_from := source.files.known_from) is None:
            continue
        where = f"{source.declared_in}: source {source.name}: sender.known_from"
        if not all(pattern.has_sender and pattern.grain is not None for pattern in source.patterns):
            yield f"{where}: only a source with the sender and a day or a month in its names can be expected"
        if known_from.source not in names:
            yield f"{where}: no source is called {known_from.source!r}; there are: {', '.join(sorted(names))}"
        if known_from.source not in by_name:
            continue
        kinds = {column.name: column.type.kind for column in by_name[known_from.source].columns}
        for name, kind in ((known_from.column, "text"), (known_from.since, "date"), (known_from.until, "date")):
            if name not in kinds:
                yield f"{where}: {known_from.source} has no column {name!r}; it has: {', '.join(kinds)}"
            elif kinds[name] != kind:
                yield f"{where}: column {name!r} of {known_from.source} is {kinds[name]}, and must be {kind}"
