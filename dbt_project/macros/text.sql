{#-
    What the warehouses write or mean differently about texts. docs/portable-sql.md shows how each is used.
-#}

{% macro trimmed(text) -%}
    {#- Without blanks at its ends: spaces, tabs, line ends, and Japan's full-width space. By itself `trim` takes all kinds
        of spaces and no tab on DuckDB, and ordinary spaces alone on Snowflake. -#}
    trim(cast({{ text }} as varchar), ' 　' || chr(9) || chr(10) || chr(13))
{%- endmacro %}


{% macro parsed_time(text, format) -%}
    {#- The time that a text says in a format of strptime; null where it says none. -#}
    {{ return(adapter.dispatch('parsed_time')(text, checked_format(format))) }}
{%- endmacro %}


{% macro default__parsed_time(text, format) -%}
    cast(try_strptime({{ text }}, '{{ format | replace("'", "''") }}') as timestamp)
{%- endmacro %}


{% macro snowflake__parsed_time(text, format) -%}
    cast(try_to_timestamp_ntz({{ text }}, '{{ snowflake_format(format) }}') as timestamp)
{%- endmacro %}


{% macro parsed_date(text, format) -%}
    {#- The day that a text says, in the same way. -#}
    cast({{ parsed_time(text, format) }} as date)
{%- endmacro %}


{% macro time_directives() -%}
    {{ return({
        "%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH24", "%I": "HH12", "%M": "MI", "%S": "SS", "%f": "FF6", "%p": "AM"
    }) }}
{%- endmacro %}


{% macro checked_format(format) -%}
    {%- for directive in modules.re.findall("%.?", format) -%}
        {%- if directive not in time_directives() -%}
            {{ exceptions.raise_compiler_error(
                "'" ~ directive ~ "' in the format '" ~ format ~ "' is not understood by every warehouse; allowed: "
                ~ time_directives() | join(", ")
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(format) }}
{%- endmacro %}


{% macro snowflake_format(format) -%}
    {#- Words between the directives stand in double quotes there. -#}
    {%- set written = [] -%}
    {%- for piece in modules.re.findall("%.|[A-Za-z]+|[^%A-Za-z]+", format) -%}
        {%- do written.append(
            time_directives()[piece] if piece in time_directives()
            else '"' ~ piece ~ '"' if piece[0].isalpha()
            else piece | replace("'", "''")
        ) -%}
    {%- endfor -%}
    {{ return(written | join) }}
{%- endmacro %}


{% macro matched_text(text, pattern, group=0) -%}
    {#- The first part of a text that a regular expression matches, or a group in it; null where there is none. -#}
    {%- if modules.re.search("[(][?]|[*+?}][?]", pattern) -%}
        {{ exceptions.raise_compiler_error(
            "the pattern '" ~ pattern ~ "' has a group that is not plain, or a lazy quantifier, which not every warehouse"
            ~ " understands"
        ) }}
    {%- endif -%}
    {{ return(adapter.dispatch('matched_text')(text, pattern | replace("'", "''"), group)) }}
{%- endmacro %}


{% macro default__matched_text(text, pattern, group) -%}
    nullif(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '')
{%- endmacro %}


{% macro snowflake__matched_text(text, pattern, group) -%}
    {#- A backslash begins an escape in a text there; `e` gives the group. -#}
    {%- set how = ", 1, 1, 'e', " ~ group if group else "" -%}
    nullif(regexp_substr({{ text }}, '{{ pattern | replace("\\", "\\\\") }}'{{ how }}), '')
{%- endmacro %}


{% macro split_into_rows(text, separator, alias) -%}
    {#- To be joined with `cross join`: a row for each part of a text; none where the text is null. A part is
        cast(ALIAS.value as varchar): by itself `value` has no type of a column on Snowflake. -#}
    {{ return(adapter.dispatch('split_into_rows')(text, separator | replace("'", "''"), alias)) }}
{%- endmacro %}


{% macro default__split_into_rows(text, separator, alias) -%}
    unnest(string_split({{ text }}, '{{ separator }}')) as {{ alias }} (value)
{%- endmacro %}


{% macro snowflake__split_into_rows(text, separator, alias) -%}
    lateral flatten(input => split({{ text }}, '{{ separator | replace("\\", "\\\\") }}')) as {{ alias }}
{%- endmacro %}
