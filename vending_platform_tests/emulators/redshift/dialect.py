"""A statement as Redshift reads it, written as PostgreSQL reads it: word by word, and no more than has to be.

What the two mean alike is passed on as it is. `refusal` names what PostgreSQL would do and Redshift has not.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp, transforms

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\]|''|\\.)*')
    |(?P<block>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<parameter>(?<![:\w]):[a-z_]\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d+(?:\.\d*)?)
    |(?P<space>\s+)
    |(?P<sign>::|<=|>=|<>|!=|\|\||.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PARTS = {"dateadd", "datediff", "date_part", "date_trunc"}
"""Functions whose first argument may be the plain name of a part of a date."""
_STORAGE = re.compile(
    r"\b(?:diststyle\s+(?:even|key|all|auto)|distkey\s*\([^)]*\)"
    r"|(?:compound\s+|interleaved\s+)?sortkey\s*(?:\([^)]*\)|auto)|sortkey\s+auto"
    r"|encode\s+(?:auto|az64|zstd|lzo|raw)|backup\s+(?:no|yes))",
    re.IGNORECASE,
)
_FOREIGN_WORDS = {
    "jsonb": "jsonb",
    "json": "json",
    "lateral": "lateral joins",
    "unnest": "unnest",
    "array": "arrays",
    "returning": "returning",
    "conflict": "on conflict",
    "filter": "filter (where …)",
    "materialized": "materialized common table expressions",
    "double": "a type called double: it is double precision",
}
_FOLLOWED_BY = {"filter": "(", "double": None, "json": None, "array": None}
_CLAUSES = """
where on group order limit union except intersect having qualify join inner left right full cross with
"""
_AFTER_A_QUERY = frozenset(_CLAUSES.split())
_LOOKED_UP = """
abs ceil ceiling chr coalesce concat convert_timezone count current_database current_user date_part date_trunc
dateadd datediff dense_rank exp first_value floor getdate greatest has_schema_privilege lag last_value lead
least left len length listagg ln lower lpad ltrim max md5 min mod ntile nullif nvl pg_backend_pid
pg_get_late_binding_view_cols pg_terminate_backend power rank regexp_substr replace right round row_number rpad
rtrim sign split_part sqrt stddev strpos strtol substring sum to_char to_date to_timestamp trim upper version
avg regexp_replace regexp_instr regexp_count extract has_table_privilege
"""
FUNCTIONS = frozenset(_LOOKED_UP.split())
"""Those that Redshift has: https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html"""
_KEYWORDS = """
select from where and or not in as on over by values using join exists then else when case union all distinct
with any some between like ilike is having qualify limit order group partition cast varchar char character
varying numeric decimal timestamp time interval bpchar into table view key sortkey distkey primary unique
references check set except intersect if cols rows range first last recursive identity
"""
_TAKE_PARENTHESES = frozenset(_KEYWORDS.split())


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


class Refused(Exception):
    """Redshift would not run it; the message says why."""


def tokens(sql: str) -> list[Token]:
    return [Token(str(found.lastgroup if found.lastgroup != "tag" else "block"), found[0]) for found in _find(sql)]


def _find(sql: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(sql)


def with_values(sql: str, values: Mapping[str, str]) -> str:
    """The Data API's named parameters in place: each is a text without a type until its context gives it one."""
    used: set[str] = set()

    def placed(token: Token) -> str:
        if token.kind != "parameter":
            return token.text
        name = token.text[1:]
        if name not in values:
            raise Refused(f"Parameters list is missing a value for the parameter {name}")
        used.add(name)
        return "'" + values[name].replace("\\", "\\\\").replace("'", "''") + "'"

    return "".join(map(placed, tokens(sql)))


def parameters_in(sql: str) -> set[str]:
    return {token.text[1:] for token in tokens(sql) if token.kind == "parameter"}


def refusal(sql: str) -> str | None:
    """What of the statement Redshift does not have."""
    words = [token for token in tokens(sql) if token.kind not in ("comment", "space")]
    for position, token in enumerate(words):
        following = words[position + 1].text.lower() if position + 1 < len(words) else ""
        before = words[position - 1].text.lower() if position else ""
        name = token.text.lower()
        if token.kind == "sign" and token.text == "[":
            return "Redshift has no arrays"
        if token.kind != "word" or before == ".":
            continue
        if name in _FOREIGN_WORDS and _is_meant(name, following, before):
            return f"Redshift does not have {_FOREIGN_WORDS[name]}"
        is_named = before in (
            "as",
            "into",
            "table",
            "update",
            "join",
            "references",
            "view",
            "with",
            ",",
        ) or name.startswith("_")
        if following == "(" and name not in FUNCTIONS | _TAKE_PARENTHESES and not (is_named and before != ","):
            return f"no one has looked up whether Redshift has the function {name}()"
    return None


def _is_meant(name: str, following: str, before: str) -> bool:
    """A column may be called so."""
    match name:
        case "double":
            return following != "precision" and before in ("as", "::")
        case "filter" | "unnest" | "array":
            return following == "("
        case "json" | "jsonb":
            return before in ("as", "::")
        case "conflict":
            return before == "on"
        case _:
            return before != "as"


def translated(sql: str) -> str:
    """The same for PostgreSQL."""
    head = _head(sql)
    if "qualify" in {token.text.lower() for token in tokens(sql) if token.kind == "word"}:
        sql = _without_qualify(sql)
    if head in ("create", "alter"):
        sql = _outside_texts(sql, lambda text: _STORAGE.sub(" ", text))
    if re.match(r"create\s+(?:temp\w*\s+)?table\b", _without_comments(sql), re.IGNORECASE):
        sql = _with_lengths(sql)
    return "".join(_written(tokens(sql)))


def _without_comments(sql: str) -> str:
    return "".join(token.text for token in tokens(sql) if token.kind != "comment").strip()


def _with_lengths(sql: str) -> str:
    """A column that is declared as a text without a length holds 256 bytes."""
    found = tokens(sql)
    return "".join(
        "varchar(256)"
        if token.kind == "word"
        and token.text.lower() in ("varchar", "text")
        and _after(found, position) != "("
        and _before(found, position) not in ("(", ",", "as", "::", ".")
        else token.text
        for position, token in enumerate(found)
    )


def _head(sql: str) -> str:
    return next((token.text.lower() for token in tokens(sql) if token.kind == "word"), "")


def _outside_texts(sql: str, change: Callable[[str], str]) -> str:
    """Change what is neither in a text nor in a comment."""
    pieces, plain = [], ""
    for token in tokens(sql):
        if token.kind in ("text", "block", "comment"):
            pieces += [change(plain), token.text]
            plain = ""
        else:
            plain += token.text
    return "".join([*pieces, change(plain)])


def _written(found: list[Token]) -> Iterator[str]:
    position = 0
    unnamed = _unnamed_queries(found)
    while position < len(found):
        token = found[position]
        name = token.text.lower()
        match token.kind:
            case "sign" if position in unnamed:
                yield f") as unnamed_{position}"
            case "quoted":
                yield name  # without case-sensitive identifiers, Redshift folds these too
            case "comment":
                yield " "
            case "word" if name == "pg_catalog" and _after(found, position, 2).startswith("svv_"):
                yield "redshift"
            case "word" if name == "listagg":
                written, position = _listagg(found, position)
                yield written
                continue
            case "word" if name == "max" and _before(found, position) == "(" and _after(found, position) == ")":
                yield "65535"
            case "word" if name == "extract" and _after(found, position) == "(":
                part, position = _extract(found, position)
                yield f"redshift.extracted('{part}',"
                continue
            case "word" if _before(found, position) == "(" and _before(found, position, 2) in _PARTS:
                yield f"'{name}'" if _after(found, position) == "," else token.text
            case _:
                yield token.text
        position += 1


def _unnamed_queries(found: list[Token]) -> set[int]:
    """Where a query within a FROM ends that has no name, which PostgreSQL wants it to have."""
    ends = set()
    for position, token in enumerate(found):
        is_opened = token.text == "(" and _before(found, position) in ("from", "join")
        if is_opened and _after(found, position) in ("select", "with", "("):
            end = _closing(found, position - 1)
            following = _after(found, end)
            if not re.match(r"[a-z_\"]", following) or following in _AFTER_A_QUERY:
                ends.add(end)
    return ends


def _near(found: list[Token], position: int, step: int, count: int) -> str:
    while count:
        position += step
        while 0 <= position < len(found) and found[position].kind in ("space", "comment"):
            position += step
        count -= 1
    return found[position].text.lower() if 0 <= position < len(found) else ""


def _before(found: list[Token], position: int, count: int = 1) -> str:
    return _near(found, position, -1, count)


def _after(found: list[Token], position: int, count: int = 1) -> str:
    return _near(found, position, 1, count)


def _extract(found: list[Token], position: int) -> tuple[str, int]:
    """The part, and where the moment begins."""
    part = _after(found, position, 2)
    while found[position].text.lower() != "from":
        position += 1
    return part, position + 1


def _listagg(found: list[Token], position: int) -> tuple[str, int]:
    """`listagg(x, y) within group (order by z)` is `string_agg(x, y order by z)`."""
    end = _closing(found, position)
    arguments = "".join(_written(found[position + 1 : end]))
    group = end + 1
    while found[group].text != "(":
        group += 1
    closing = _closing(found, group - 1)
    order = "".join(_written(found[group + 1 : closing]))
    return f"string_agg{arguments} {order})", closing + 1


def _closing(found: list[Token], position: int) -> int:
    """Where the parenthesis is closed that opens after this position."""
    depth = 0
    for at in range(position + 1, len(found)):
        if found[at].text == "(":
            depth += 1
        elif found[at].text == ")":
            depth -= 1
            if depth == 0:
                return at
    raise Refused("syntax error: a parenthesis is not closed")


def _without_qualify(sql: str) -> str:
    """PostgreSQL has no `qualify`: the window comes into a query within the query."""
    tree = sqlglot.parse_one(sql, read="redshift")
    return tree.transform(_qualified_outside).sql("redshift")


def _qualified_outside(node: exp.Expr) -> exp.Expr:
    return transforms.eliminate_qualify(node) if isinstance(node, exp.Select) else node
