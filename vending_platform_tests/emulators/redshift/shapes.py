"""The shapes of the statements that may be sent to Redshift: what is left of them without values and names of data.

`statements.txt` lists every shape that a person has compared with Redshift's documentation; all others are refused. The
questions that the platform asks every warehouse in the same words are on Snowflake's list, and were compared with both.
"""

import re
from pathlib import Path

from vending_platform_tests.emulators import shapes

_LIST = Path(__file__).with_name("statements.txt")
_TYPE = r"(?:varchar\(\d+\)|decimal\(\d+,\d+\)|bigint|double precision|boolean|date|timestamptz|timestamp)"
_COLUMN = r'"\w+"'
_BATCH = r'"raw"\."_batch_\w+"'
_READ = rf"{_COLUMN}(?: at time zone 'utc')?"
_KEY = rf"{_COLUMN} = cast\(:key_\d+ as {_TYPE}\)"
_KEYS = rf"\({_KEY}(?: and {_KEY})*\)"
_SAME = rf"{_COLUMN}\.{_COLUMN}\.{_COLUMN} = {_COLUMN}\.{_COLUMN}\.{_READ}"
_LEFT = rf"(?:{_COLUMN}|datediff\(microsecond, timestamp '1970-01-01', {_READ}\) as {_COLUMN})"
_OF_SNOWFLAKE = re.compile(r"md5_number_lower64|current_account|stage_|<keys>|<values>")
_OWN = (
    (rf"\({_COLUMN} {_TYPE}(?:, {_COLUMN} {_TYPE})*\)", "(<columns>)"),
    (rf"add column {_COLUMN} {_TYPE}", "add column <column> <type>"),
    (rf"drop column {_COLUMN}", "drop column <column>"),
    (rf"set {_COLUMN} = {_COLUMN}", "set <column> = <column>"),
    (rf"where {_KEYS}(?: or {_KEYS})*$", "where <keys>"),
    (rf"where {_SAME}(?: and {_SAME})*$", "where <keys>"),
    (
        rf"\({_COLUMN}(?:, {_COLUMN})*\) select {_READ}(?:, {_READ})* from {_BATCH}",
        "(<columns>) select <columns> from <batch>",
    ),
    (_BATCH, "<batch>"),
    (r":[a-z_]\w*", "?"),
    (
        rf"unload \(\$\$select {_LEFT}(?:, {_LEFT})* from \((.*)\) as asked\$\$\)",
        r"unload (select <columns> from (\1))",
    ),
    (r"iam_role (?:default|'[^']*')", "iam_role <role>"),
    # The layers of every domain are alike.
    (r'"(?:stage|ref)"\.(?=")', '"staging".'),
    (r'"mart"\.(?=")', '"marts".'),
    (r"\b(?:stage|ref)\.(?=\w)", "staging."),
    (r"\bmart\.(?=\w)", "marts."),
    (r'least\((?:min\("\w+"\)(?:, )?)+\)', "least(<columns>)"),
    (r'greatest\((?:max\(coalesce\("\w+", date \'[^\']*\'\)\)(?:, )?)+\)', "greatest(<columns>)"),
)
_REPEATED = ((r"(?: and (one|worse)\.<column> = (other|better)\.<column>)+", ""),)


_DBT_TABLE = r'"\w+__dbt_tmp\d*"'
_OF_DBT = (
    (rf"{_DBT_TABLE}", "<temporary>"),
    (r"(with (?:bound_views|late_binding|relation)) as \(.*", r"\1 as <the catalog>"),
    (r"select \"schema\" as table_schema, .* from svv_table_info where .*", "select <statistics> from svv_table_info"),
    (
        r"select table_catalog as database, .* from information_schema\.tables .*",
        "select <relations> from <the catalog>",
    ),
    (r"(create (?:temporary )?table (?:<relation>|<temporary>)) \((?! ?(?:with|select)\b).*\)", r"\1 (<columns>)"),
    (r"(create temporary table <temporary>) as \( ?(?:with|select)\b.*", r"\1 as <query>"),
    (r"(insert into (?:<relation>|<temporary>)) \( ?(?:with|select)\b.*\)", r"\1 (<query>)"),
    (
        r"(insert into (?:<relation>|<temporary>)) \((?:\"\w+\"(?:, )?)+\) select .* from <temporary>",
        r"\1 (<columns>) select <columns> from <temporary>",
    ),
    (r"(insert into <relation>) \([\w, ]+\) values .*", r"\1 (<columns>) values <rows>"),
    (r"rename to \"\w+\"", "rename to <name>"),
)
"""dbt's comment is before the first statement alone of those that it sends together."""


def shape(sql: str) -> str:
    text = shapes.shape(sql, _OWN)
    for pattern, replacement in (*_OF_DBT, *_REPEATED):
        text = re.sub(pattern, replacement, text, flags=re.S)
    return text.strip()


def _is_portable(listed: str) -> bool:
    """Whether it is a question with nothing of Snowflake's own in it."""
    return re.match(r"(?:dbt: )?(?:select|delete) ", listed) is not None and not _OF_SNOWFLAKE.search(listed)


REVIEWED = shapes.listed_in(_LIST) | frozenset(filter(_is_portable, shapes.REVIEWED))
