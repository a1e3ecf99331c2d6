{#-
    The window: the business days a run is about, var('first_day') to var('last_day'), both included. Without them it
    is every day. A model says `where {{ in_window('business_date') }}`, outside is_incremental(), so that a table's
    first run for one day reads one day and not all of history.
-#}

{% macro in_window(column) -%}
    {%- set first_day = window_day('first_day') -%}
    {%- set last_day = window_day('last_day') -%}
    {%- if (first_day or last_day) and execute and flags.FULL_REFRESH -%}
        {{ exceptions.raise_compiler_error(
            "--full-refresh begins a table anew, so it can't be about a few days only: it would forget all others. "
            ~ "Leave out either --full-refresh or first_day and last_day."
        ) }}
    {%- endif -%}
    {%- if first_day and last_day -%}
        {{ column }} between cast('{{ first_day }}' as date) and cast('{{ last_day }}' as date)
    {%- elif first_day -%}
        {{ column }} >= cast('{{ first_day }}' as date)
    {%- elif last_day -%}
        {{ column }} <= cast('{{ last_day }}' as date)
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}


{% macro window_day(name) -%}
    {#- The day as yyyy-mm-dd, or nothing; what is no day stops the run. -#}
    {%- set day = var(name, none) -%}
    {%- if day is not none and day | string | trim -%}
        {{- return(modules.datetime.date.fromisoformat(day | string | trim).isoformat()) -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}


{#-
    The incremental strategy `window`: every row of the window leaves the table and the window's rows come, in one
    transaction. Stock delete+insert deletes only keys that come again, so a day that became empty would keep its rows.
-#}

{% macro get_incremental_window_sql(arg_dict) -%}
    {{ return(adapter.dispatch('get_incremental_window_sql')(arg_dict)) }}
{%- endmacro %}


{% macro default__get_incremental_window_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    delete from {{ arg_dict["target_relation"] }} where {{ in_window("business_date") }};
    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }}
{%- endmacro %}


{% macro snowflake__get_incremental_window_sql(arg_dict) -%}
    {#- dbt lets Snowflake commit every statement by itself, so the transaction has to be said. -#}
    begin;
    {{ default__get_incremental_window_sql(arg_dict) }};
    commit;
{%- endmacro %}


{#-
    A test with `where: in_window` looks at the window only. The words are replaced when the test runs: a var in YAML
    would be the parsing's, and a kept manifest would test yesterday's days.
-#}

{% macro get_where_subquery(relation) -%}
    {%- set where = (config.get("where") or "") | replace("in_window", in_window("business_date")) -%}
    {%- if where -%}
        {%- do return("(select * from " ~ relation ~ " where " ~ where ~ ") as in_question") -%}
    {%- endif -%}
    {%- do return(relation) -%}
{%- endmacro %}
