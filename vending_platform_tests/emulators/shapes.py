"""The shapes of the statements that may be sent to Snowflake: what is left of them without values and names of data.

`snowflake_statements.txt` lists every shape that a person has compared with Snowflake's documentation. The emulator
refuses all others, so no statement that is new, or is written otherwise than before, passes a test unseen. What a
statement of dbt contains is left out: models and tests are checked by a list of their own (`style/portable.py`).
"""

import re
from collections.abc import Iterable
from pathlib import Path

_LIST = Path(__file__).with_name("snowflake_statements.txt")
_TEXT = r"'(?:[^'\\]|''|\\.)*'"
_TYPE = r"(?:varchar|date|boolean|float|timestamp_ntz|timestamp_tz|number\(\?, ?\?\))"
_COLUMN = r'"[^"]+"'
_DATABASE = r"(?:t[0-9a-f]{12}|vending_data_\w+)"
_LEAVING = rf"(?:{_COLUMN}|date_part\(epoch_microsecond, {_COLUMN}\) as {_COLUMN})"
_LAYER = "(?:raw|staging|intermediate|marts|dq|partners|team)"
_OURS = r'(?!"raw"\."_(?:publications|reservation|batches)")'
_NAMES = r'\(\s*"?\w+"?(?:,\s*"?\w+"?)*\s*\)'
_COUNTS = rf"(?:, count\((?:distinct )?{_COLUMN}\) as [nd]\d+)*"
_OF_A_FILE = r"\(_file_id = \? and (?:_line|<column>) in \(\?\)\)"
_DAY = '"business_date"'
_SOME_LINES = rf"\((?:\(<days>\)|{_COLUMN} in \(\?\))(?: and <column> in \(\?\))?\)"
_OF_A_SOURCE = (
    r"(select source, business_date, true as in_raw, content from \((?:(?!union all).)*?\) as n"
    r" where business_date is not null)"
)
_STEPS = (
    (r"/\*.*?\*/|--[^\n]*", " "),
    (r"\s+", " "),
    (r"(?:\b(?:date|timestamp) )?" + _TEXT, "?"),
    (r"(?<![\w$?.\"])-?\d+(?:\.\d+)?\b", "?"),
    (r"\?(?: \|\| chr\(\?\) \|\| \?)+", "?"),
    (r'"raw"\."_keys_\w+"', "<keys>"),
    (
        rf'(@"raw"\."_batches"/)unloaded_\w+/ from \(select {_LEAVING}(?:, {_LEAVING})* from',
        r"\1<folder>/ from (select <columns> from",
    ),
    (rf'\b\w+\.{_LAYER}\.\w+|"\w+"\."{_LAYER}"\."\w+"', "<relation>"),
    (rf"in (?:database )?{_DATABASE}(?:\.{_LAYER})?(?= |$)", "in <place>"),
    (rf'{_OURS}"{_LAYER}"\."\w+"', "<table>"),
    (rf"{_OURS}\b{_LAYER}\.\w+", "<table>"),
    (rf"\({_COLUMN} {_TYPE}(?:, {_COLUMN} {_TYPE})*\)", "(<columns>)"),
    (rf"(add|alter) column {_COLUMN} (set data type )?{_TYPE}", r"\1 column <column> \2<type>"),
    (rf"rename column {_COLUMN} to {_COLUMN}", "rename column <column> to <column>"),
    (rf"where \({_COLUMN}(?:, {_COLUMN})*\) in \((?:[^a-z]|null)*\)", "where <columns> in (<values>)"),
    (
        rf"where \({_COLUMN}(?:, {_COLUMN})*\) in \(select {_COLUMN}(?:, {_COLUMN})* from <keys>\)",
        "where <columns> in (select <columns> from <keys>)",
    ),
    (rf"(?: and {_COLUMN} between \? and \?)+", " and <column> between ? and ?"),
    (rf"(select distinct |where |\b(?:one|other|worse|better)\.){_COLUMN}", r"\1<column>"),
    (rf"cast\({_COLUMN} as varchar\)", "cast(<column> as varchar)"),
    (
        rf"min\({_COLUMN}\) as due_from, max\(coalesce\({_COLUMN}, \?\)\)",
        "min(<column>) as due_from, max(coalesce(<column>, ?))",
    ),
    (r"\(\?(?:, ?\?)*\)", "(?)"),
    (rf"select {_COLUMN} as business_date, count\(\*\) as n{_COUNTS}", "select <column> as business_date, <counts>"),
    (rf"where <column> between \? and \?(?: or {_COLUMN} between \? and \?)+", "where <column> between ? and ?"),
    (r"from \((?:select|with) .*\) as failing\b", "from <query> as failing"),
    (rf"select _file_id, _line(?:, {_COLUMN})+ from", "select _file_id, _line, <columns> from"),
    (rf"(?: and {_COLUMN} = \?)+", " and <column> = ?"),
    (rf"(?: and {_COLUMN} in \(\?\))+", " and <column> in (?)"),
    (rf" and {_COLUMN} is not null", " and <column> is not null"),
    (r"\(_business_date between \? and \?(?: or _business_date between \? and \?)*\)", "(<days>)"),
    (rf"\({_OF_A_FILE}(?: or {_OF_A_FILE})*\)", "(<lines of files>)"),
    (rf"\({_DAY} between \? and \?(?: or {_DAY} between \? and \?)*\)", "(<days>)"),
    (rf"\({_SOME_LINES}(?: or {_SOME_LINES})*\)", "<lines>"),
    (
        rf"where \({_COLUMN}(?:, {_COLUMN})*\) in \(select {_COLUMN}(?:, {_COLUMN})* from <table> where <lines>\)",
        "where <lines>",
    ),
    (rf"select distinct <column>(?:, {_COLUMN})+ from", "select distinct <columns> from"),
    (rf"{_OF_A_SOURCE}(?: union all \1)*", r"\1 union all <of other sources>"),
)
_STEPS_OF_DBT = (
    (r"(create transient table <relation>) \((?!.*\bas \(? ?(?:with|select)\b).*\)\s*$", r"\1 (<columns>)"),
    (rf"(insert overwrite into <relation>) {_NAMES} values .*", r"\1 (<columns>) values <rows>"),
    (r"(create .*?(?:view|table) <relation>)( \(.*\))? as \( ?(?:with|select)\b.*", r"\1 as <query>"),
    (r"(create .*?(?:view|table) <relation>) \(.*\) as <query>", r"\1 (<columns>) as <query>"),
    (r"(failures, .*?) from \(.*\) dbt_internal_test", r"\1 from <query> dbt_internal_test"),
    (r"with dbt_internal_unit_test_actual as .*", "with dbt_internal_unit_test_actual as <query>"),
    (r"with tables as \(.* from \S+information_schema\.tables .*", "with tables as <the catalog>"),
    (r"select \* from \(.*\) as __dbt_sbq", "select * from <query> as __dbt_sbq"),
    (rf"{_NAMES} select .*? from <relation>", "(<columns>) select <columns> from <relation>"),
)


def shape(sql: str, first: Iterable[tuple[str, str]] = ()) -> str:
    """`first` are the steps of a warehouse's own, in the same form."""
    text, is_dbt = sql.lower(), '"app": "dbt"' in sql
    for pattern, replacement in (*first, *_STEPS, *_STEPS_OF_DBT) if is_dbt else (*first, *_STEPS):
        text = re.sub(pattern, replacement, text, flags=re.S)
    return ("dbt: " if is_dbt else "") + text.strip("; ")


def listed_in(path: Path) -> frozenset[str]:
    lines = (line.strip() for line in path.read_text().splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


REVIEWED = listed_in(_LIST)
