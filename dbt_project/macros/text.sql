{#-
    How each warehouse writes the same question about a text. docs/portable-sql.md shows how each macro is used.
-#}

{% macro trimmed(text) -%}
    {#- By itself `trim` removes all kinds of spaces and no tab on DuckDB, and ordinary spaces alone on Snowflake. -#}
    trim(cast({{ text }} as varchar), ' 　' || chr(9) || chr(10) || chr(13))
{%- endmacro %}


{% macro parsed_time(text, format) -%}
    {{ return(adapter.dispatch('parsed_time')(text, checked_format(format))) }}
{%- endmacro %}


{% macro default__parsed_time(text, format) -%}
    cast(try_strptime({{ text }}, '{{ format | replace("'", "''") }}') as timestamp)
{%- endmacro %}


{% macro snowflake__parsed_time(text, format) -%}
    cast(try_to_timestamp_ntz({{ text }}, '{{ snowflake_format(format) }}') as timestamp)
{%- endmacro %}


{% macro parsed_date(text, format) -%}
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
    {#- Snowflake wants words between the directives in double quotes. -#}
    {%- set pieces = [] -%}
    {%- for piece in modules.re.findall("%.|[A-Za-z]+|[^%A-Za-z]+", format) -%}
        {%- do pieces.append(
            time_directives()[piece] if piece in time_directives()
            else '"' ~ piece ~ '"' if piece[0].isalpha()
            else piece | replace("'", "''")
        ) -%}
    {%- endfor -%}
    {{ return(pieces | join) }}
{%- endmacro %}


{% macro matched_text(text, pattern, group=0) -%}
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
    {#- On Snowflake a backslash begins an escape in a string; `e` returns the group. -#}
    {%- set arguments = ", 1, 1, 'e', " ~ group if group else "" -%}
    nullif(regexp_substr({{ text }}, '{{ pattern | replace("\\", "\\\\") }}'{{ arguments }}), '')
{%- endmacro %}


{% macro split_into_rows(text, separator, alias) -%}
    {#- A part is read as cast(ALIAS.value as varchar): by itself `value` has no column type on Snowflake. -#}
    {{ return(adapter.dispatch('split_into_rows')(text, separator | replace("'", "''"), alias)) }}
{%- endmacro %}


{% macro default__split_into_rows(text, separator, alias) -%}
    unnest(string_split({{ text }}, '{{ separator }}')) as {{ alias }} (value)
{%- endmacro %}


{% macro snowflake__split_into_rows(text, separator, alias) -%}
    lateral flatten(input => split({{ text }}, '{{ separator | replace("\\", "\\\\") }}')) as {{ alias }}
{%- endmacro %}


{% macro joined_text(text, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(text, separator, order_by)) }}
{%- endmacro %}


{% macro default__joined_text(text, separator, order_by) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}


{% macro snowflake__joined_text(text, separator, order_by) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}


{% macro redshift__joined_text(text, separator, order_by) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}


{% macro rounded_text(number) -%}
    cast(cast(round({{ number }}, 1) as decimal(18, 1)) as varchar)
{%- endmacro %}
