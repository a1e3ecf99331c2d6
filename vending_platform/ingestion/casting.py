"""SQL by which DuckDB turns a delivered text into a value of its column's type: a form decides before any cast."""

from collections.abc import Sequence

from vending_platform.catalog import Column, Source, format_pattern, weekday_of
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.ingestion.clocks import instant


def cast_of(column: Column, source: Source) -> str:
    """The typed value of a column of text: null where the text is empty or has not exactly the form of the type."""
    text = f'"{column.name}"'
    match column.type.kind:
        case "integer":
            return _number(text, "[0-9]{1,19}", "", source, "bigint")
        case "decimal":
            whole, scale = column.type.precision - column.type.scale, column.type.scale
            digits = "0+" if whole == 0 else f"0*[0-9]{{1,{whole}}}"
            fraction = f"(?:{_escaped(source.files.decimal_mark)}[0-9]{{1,{scale}}})?" if scale else ""
            return _number(text, digits, fraction, source, str(column.type))
        case "boolean":
            true, false = (", ".join(map(literal, v)) for v in (column.true_values, column.false_values))
            return f"case when {text} in ({true}) then true when {text} in ({false}) then false end"
        case "date":
            return moment_of(column)
        case "timestamp":
            return _timestamp(column)
        case _:
            return text if source.extract is not None else f"nullif({text}, '')"  # a database tells '' from NULL


def moment_of(column: Column, among: Sequence[str] | None = None) -> str:
    """The day or time that a text gives in one of the column's formats; null where it has none of them."""
    text, kind = f'"{column.name}"', column.kind_of_formats
    forms = ", ".join(
        f"case when regexp_full_match({text}, {literal(format_pattern(kind, form))}) then {_moment(column, form)} end"
        for form in (column.accepted_formats if among is None else among)
    )
    return f"coalesce({forms})" if forms else "cast(null as timestamp)"


def local_time_of(column: Column) -> str:
    """What a clock showed, in the formats that do not say how far it stands from UTC."""
    return moment_of(column, [form for form in column.accepted_formats if "%z" not in form])


def _timestamp(column: Column) -> str:
    """The time in Japan. What `local_time_of` gives is a column by then, as it is looked at several times."""
    return f"coalesce({moment_of(column, [f for f in column.accepted_formats if '%z' in f])}, {instant(column)})"


def _number(text: str, digits: str, fraction: str, source: Source, sql_type: str) -> str:
    files = source.files
    if files.thousands_mark:
        digits = f"(?:{digits}|[0-9]{{1,3}}(?:{_escaped(files.thousands_mark)}[0-9]{{3}})+)"
    signs = "|".join(map(_escaped, sorted(files.currency_signs, key=len, reverse=True)))
    before, after = (f"(?:(?:{signs}) ?)?", f"(?: ?(?:{signs}))?") if signs else ("", "")
    forms = [f"[+-]?{before}{digits}{fraction}{after}"]
    bare = text
    if signs:
        forms.append(f"{before}[+-]{digits}{fraction}")
        bare = f"regexp_replace({bare}, {literal(f' ?(?:{signs}) ?')}, '', 'g')"
    if files.negative_in_parentheses:
        forms += [rf"\({before}{digits}{fraction}{after}\)", rf"{before}\({digits}{fraction}\)"]
        bare = f"replace(replace({bare}, '(', '-'), ')', '')"
    if files.thousands_mark:
        bare = f"replace({bare}, {literal(files.thousands_mark)}, '')"
    if files.decimal_mark != ".":
        bare = f"replace({bare}, {literal(files.decimal_mark)}, '.')"
    form = literal("|".join(f"(?:{form})" for form in forms))
    return f"case when regexp_full_match({text}, {form}) then try_cast({bare} as {sql_type}) end"


def _moment(column: Column, form: str) -> str:
    text = f'"{column.name}"'
    parsed = f"try_strptime({text}, {literal(form)})"
    if weekday := weekday_of(column.kind_of_formats, form):
        directive, expression = weekday
        local = parsed
        if "%z" in form:  # the day of the week is of where the clock stands, not of UTC
            bare = f"regexp_replace({text}, '[+-][0-9]{{2}}:?[0-9]{{2}}$', '')"
            local = f"try_strptime({bare}, {literal(form.removesuffix('%z'))})"
        given = f"lower(regexp_extract({text}, {literal(expression)}, 1))"
        parsed = f"case when {given} = lower(strftime({local}, '{directive}')) then {parsed} end"
    if column.kind_of_formats == "date":
        return f"cast({parsed} as date)"
    if "%z" in form:  # an instant: DuckDB answers with a time zone
        return f"timezone({literal(BUSINESS_TIME_ZONE)}, {parsed})"
    return parsed


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    """`text` as a regular expression of RE2 that means just itself."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)
