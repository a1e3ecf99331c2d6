"""The rule that SQL is the same on every warehouse: a list of what all understand alike, and nothing beside it.

Both forms are compiled by dbt itself, without a warehouse. No emulator can prove that Snowflake gives the same answer;
that a model uses only what is on the list, can be proven. What the warehouses write or mean differently stands in a
macro with a variant for each; what such a macro's variant is written with, its callers may have. So a project adds to
the list by a macro of its own. docs/portable-sql.md is the list for people.
"""

import os
import re
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from unittest import mock

import sqlglot
from sqlglot import exp

from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.warehouse.snowflake import SnowflakeSettings, dbt_connection
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.dbt_project.style.rule import Manifest, models
from vending_platform_tests.emulators.keys import private_key

WAREHOUSES = ("duckdb", "snowflake")
FUNCTIONS = {"ABS", "CASE", "CAST", "CHR", "COALESCE", "COUNT"}
FUNCTIONS |= {"DATEDIFF", "DATE_TRUNC", "DENSE_RANK", "EXISTS", "EXP", "EXTRACT"}
FUNCTIONS |= {"FLOOR", "LAG", "LEAD", "LENGTH", "LN", "LOWER", "MAX", "MD5", "MIN", "NULLIF", "RANK", "REPLACE"}
FUNCTIONS |= {"ROUND", "ROW_NUMBER", "SPLIT_PART", "SQRT", "SUBSTRING", "SUM", "TRIM", "UPPER"}
TYPES = {"VARCHAR", "TEXT", "BIGINT", "INT", "DECIMAL", "DATE", "TIMESTAMP", "TIMESTAMPNTZ", "BOOLEAN", "DOUBLE"}
_FOREIGN = {
    exp.Array: "[",
    exp.Struct: "{",
    exp.Bracket: "[",
    exp.Lambda: "->",
    exp.Slice: ":",
    exp.Unnest: "unnest",
    exp.Lateral: "lateral",
    exp.Pivot: "pivot",
    exp.IntDiv: "//",
    exp.Div: "/",
    exp.Mod: "%",
    exp.Interval: "interval",
    exp.RegexpLike: "~",
    exp.ILike: "ilike",
    exp.SimilarTo: "similar to",
    exp.TryCast: "try_cast",
    exp.Cluster: "cluster by",
    exp.Offset: "offset",
    exp.AtTimeZone: "at time zone",
}
"""What the two write or mean differently, and how it is written; division, because an integer by an integer is one on
DuckDB only."""
_OTHER_NAMES = {
    "TIMESTAMP_TRUNC": "DATE_TRUNC",
    "STR_TO_TIME": "STRPTIME",
    "GROUP_CONCAT": "STRING_AGG",
    "SUBSTR": "SUBSTRING",
}
"""What people call a function that sqlglot calls otherwise."""
_INSTEAD = {
    "/": "write safe_divide(…)",
    "//": "write safe_divide(…)",
    "TRIM": "write trimmed(…)",
    "STRPTIME": "write parsed_time(…) or parsed_date(…)",
    "TRY_STRPTIME": "write parsed_time(…) or parsed_date(…)",
    "TO_DATE": "write parsed_date(…)",
    "REGEXP_EXTRACT": "write matched_text(…)",
    "REGEXP_SUBSTR": "write matched_text(…)",
    **dict.fromkeys(("unnest", "lateral", "EXPLODE", "SPLIT", "STRING_SPLIT"), "write split_into_rows(…)"),
    "STRING_AGG": "write joined_text(…)",
    "LISTAGG": "write joined_text(…)",
    "LEAST": "write smaller(…)",
    "GREATEST": "write larger(…)",
    "at time zone": "write tokyo_time(…) or tokyo_day(…)",
    "interval": "write days_later(…)",
    "::": "write cast(… as …)",
}
"""By what is written, what to write in its place; the others only find the list."""
_NOWHERE = SnowflakeSettings(account="nowhere", user="nobody", role="nobody", database="NOWHERE", warehouse="NOWHERE")


@dataclass(frozen=True)
class Sql:
    """The models of a project as each warehouse gets them."""

    manifest: Manifest
    compiled: Mapping[str, Mapping[str, str]]
    """By warehouse and model."""

    @cached_property
    def _macros(self) -> Mapping[str, Mapping[str, str]]:
        """By the unique id of a macro of the project that has a variant for each warehouse, the variants' text."""
        own = [macro for macro in self.manifest["macros"].values() if macro["package_name"] == "vending"]
        texts = {macro["name"]: macro["macro_sql"] for macro in own}
        found = {}
        for macro in own:
            name = macro["name"]
            default = texts.get(f"default__{name}", "")
            variants = {it: texts.get(f"{it}__{name}", default) for it in WAREHOUSES}
            if all(variants.values()) and len(set(variants.values())) > 1:
                found[macro["unique_id"]] = variants
        return found

    def variants_used_by(self, model: str, warehouse: str) -> str:
        """The SQL of those variants that the model is written with, itself or through other macros."""
        node = next(node for node in models(self.manifest) if node["name"] == model)
        left, seen = list(node["depends_on"]["macros"]), set[str]()
        while left:
            if (name := left.pop()) not in seen and name in self.manifest["macros"]:
                seen.add(name)
                left += self.manifest["macros"][name]["depends_on"]["macros"]
        texts = "\n".join(self._macros[name][warehouse] for name in sorted(seen & self._macros.keys()))
        return re.sub(r"\{([%{#]).*?[%}#]\}", " ", texts, flags=re.DOTALL).lower()


def compiled_sql(folder: Path, manifest: Manifest, project: Path = DBT_PROJECT_DIR) -> Sql:
    """Every model's SQL for every warehouse; what dbt leaves behind lies in `folder`, and is compiled once."""
    return Sql(manifest, {it: _compiled(it, folder / f"compiled_{it}", project) for it in WAREHOUSES})


def _compiled(warehouse: str, folder: Path, project: Path) -> Mapping[str, str]:
    dbt = Dbt(folder, project=project)
    variables = dbt_connection(_NOWHERE, private_key, {}).variables_of_a_command() if warehouse == "snowflake" else {}
    target = "staging" if warehouse == "snowflake" else "development"
    if not folder.exists():
        folder.mkdir(parents=True)
        models = ("--select", "resource_type:model", "--no-populate-cache", "--no-introspect", "--target", target)
        with mock.patch.dict(os.environ, variables):
            dbt("compile", *models)
    written = (dbt.target / "compiled" / "vending" / "models").rglob("*.sql")
    return {path.stem: path.read_text() for path in written if ".yml" not in str(path)}


def objections_to(sql: Sql) -> Iterator[str]:
    """Of every model what is not on the list, and what to do about it."""
    for warehouse in WAREHOUSES:
        for model, text in sorted(sql.compiled[warehouse].items()):
            allowed = _written_in(sql.variants_used_by(model, warehouse), warehouse)
            found = set(written_otherwise(text, warehouse)) - allowed
            yield from (f"{model}: {_explained(written)}" for written in sorted(found))
    for model, text in sorted(sql.compiled["duckdb"].items()):
        if not sql.variants_used_by(model, "duckdb") and _tree(text) != _tree(sql.compiled["snowflake"][model]):
            yield (
                f"{model}: its SQL depends on the warehouse: put what differs into a macro with a variant"
                " for each, as docs/portable-sql.md shows."
            )


def written_otherwise(sql: str, warehouse: str) -> Iterator[str]:
    """How everything in the SQL is written that is not on the list."""
    if "::" in sql:
        yield "::"
    for query in sqlglot.parse(sql, dialect=warehouse):
        assert query is not None
        for node in query.walk():
            foreign = [written for kind, written in _FOREIGN.items() if isinstance(node, kind)]
            if foreign and not _is_safe_division(node):
                yield foreign[0]
            elif isinstance(node, exp.DataType):
                if node.this.name not in TYPES:
                    yield node.sql(warehouse)
            elif isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
                continue  # what stands after `when`
            elif isinstance(node, exp.And | exp.Or):
                continue
            elif isinstance(node, exp.Func) and (_name(node) not in FUNCTIONS or not _has_one_meaning(node)):
                yield _name(node)
            elif isinstance(node, exp.Order) and not isinstance(
                node.parent, exp.Window | exp.WithinGroup | exp.GroupConcat
            ):
                yield "order by"


def _written_in(variants: str, warehouse: str) -> set[str]:
    """All that these are written with, as `written_otherwise` calls it."""
    functions = {name for word in re.findall(r"\w+(?=\()", variants) for name in _names_of(word, warehouse)}
    return functions | {written for written in _FOREIGN.values() if written in variants}


@lru_cache
def _names_of(function: str, warehouse: str) -> Set[str]:
    """What sqlglot makes of it, which may depend on how many arguments it has."""
    found = {function.upper()}
    for count in range(7):
        arguments = ", ".join("abcdefg"[:count])
        with suppress(sqlglot.ParseError):
            parsed = sqlglot.parse_one(f"{function}({arguments})", dialect=warehouse)
            found |= {_name(node) for node in parsed.walk() if isinstance(node, exp.Func)}
    return found


def _name(node: exp.Func) -> str:
    name = str(node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
    return _OTHER_NAMES.get(name, name)


def _has_one_meaning(node: exp.Func) -> bool:
    """Of functions on the list that mean the same only with some arguments."""
    if isinstance(node, exp.Trim):  # without characters DuckDB takes all kinds of blanks away, Snowflake one
        return node.expression is not None and not node.args.get("position")
    if isinstance(node, exp.Substring):
        return _is_positive(node.args.get("start"))
    if isinstance(node, exp.SplitPart):
        return _is_positive(node.args.get("part_index"))
    return True


def _is_positive(number: exp.Expression | None) -> bool:
    return isinstance(number, exp.Literal) and not number.is_string and int(number.this) > 0


def _is_safe_division(node: exp.Expr) -> bool:
    """The macro's form: doubles on both sides, and null for a zero."""
    return (
        isinstance(node, exp.Div)
        and isinstance(node.expression, exp.Nullif)
        and all(
            isinstance(side, exp.Cast) and side.to.this.name == "DOUBLE" for side in (node.this, node.expression.this)
        )
    )


def _explained(written: str) -> str:
    what = f"not every warehouse understands `{written.lower()}`"
    return f"{what}: {_INSTEAD.get(written, 'write it differently')}; docs/portable-sql.md lists what is portable."


def _tree(sql: str) -> exp.Expression:
    def plain(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Table):  # databases are called differently
            return exp.table_(node.name, alias=node.alias or None)
        return node

    return sqlglot.parse_one(sql, dialect="duckdb").transform(plain)
