{#-
    The window: the business days a run is about, var('first_day') to var('last_day'), both included. Without them it
    is every day. A model says `where {{ in_window('business_date') }}`, outside is_incremental(), so that a table's
    first run for one day reads one day and not all of history.

    A changed day moves more days of some models than of others. var('windows') gives the days of those that it names,
    as {model: [first, last]}; a test looks at all days of the models that it asks. A model of whole months always has
    whole months.
-#}

{% macro in_window(column) -%}
    {{ between_days(column, window_of(model)) }}
{%- endmacro %}


{#-
    The days of its inputs that a model's window rests on: as many before and after as its config.meta.reach says.
-#}

{% macro in_reach(column) -%}
    {%- set days = window_of(model) -%}
    {%- set reach = (model.config.meta or {}).get("reach") -%}
    {%- set reach = reach if reach is mapping else {} -%}
    {{ between_days(column, [
        day_moved(days[0], -reach.get("days_before", 0)), day_moved(days[1], reach.get("days_after", 0))
    ]) }}
{%- endmacro %}


{% macro in_months_of_window(column) -%}
    {#- The whole months that the window touches, for a test that adds up what a monthly model has. -#}
    {{ between_days(column, whole_months(window_of(model))) }}
{%- endmacro %}


{% macro window_of(node) -%}
    {#- The first and the last day of a model, or of all the models that a test asks; nothing stands for no end. -#}
    {#- A unit test is about the days that it says itself, whatever the run is about that it is part of. -#}
    {%- if node.resource_type == "unit_test" -%}
        {%- set said, windows = (node.overrides or {}).get("vars", {}), {} -%}
        {%- set given = [window_day(said.get("first_day")), window_day(said.get("last_day"))] -%}
    {%- else -%}
        {%- set windows = var("windows", {}) -%}
        {%- set given = [window_day(var("first_day", none)), window_day(var("last_day", none))] -%}
    {%- endif -%}
    {%- set named = [] -%}
    {%- for name in ([node.unique_id] if node.resource_type == "model" else node.depends_on.nodes) -%}
        {%- if name.split(".")[-1] in windows -%}
            {%- do named.append(windows[name.split(".")[-1]]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set days = [window_day(named | map("first") | min), window_day(named | map("last") | max)] if named else given -%}
    {%- if (days[0] or days[1]) and execute and flags.FULL_REFRESH and node.resource_type != "unit_test" -%}
        {{ exceptions.raise_compiler_error(
            "--full-refresh begins a table anew, so it can't be about a few days only: it would forget all others. "
            ~ "Leave out either --full-refresh or first_day and last_day."
        ) }}
    {%- endif -%}
    {%- if (node.config.meta or {}).get("reach") == "month" -%}
        {{ return(whole_months(days)) }}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}


{% macro whole_months(days) -%}
    {{ return([month_start(days[0]), day_moved(month_start(day_moved(month_start(days[1]), 31)), -1)]) }}
{%- endmacro %}


{% macro between_days(column, days) -%}
    {%- if days[0] and days[1] -%}
        {{ column }} between cast('{{ days[0] }}' as date) and cast('{{ days[1] }}' as date)
    {%- elif days[0] -%}
        {{ column }} >= cast('{{ days[0] }}' as date)
    {%- elif days[1] -%}
        {{ column }} <= cast('{{ days[1] }}' as date)
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}


{% macro window_day(day) -%}
    {#- The day as yyyy-mm-dd, or nothing; what is no day stops the run. -#}
    {%- if day is not none and day | string | trim -%}
        {{- return(modules.datetime.date.fromisoformat(day | string | trim).isoformat()) -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}


{% macro day_moved(day, days) -%}
    {%- if day -%}
        {{ return((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(days=days)).isoformat()) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}


{% macro month_start(day) -%}
    {{ return(day[:8] ~ "01" if day else none) }}
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
    DuckDB passes over what lies outside a window if a table's rows lie by day. A model that sums up or looks around has
    them in any order, which matters where many days are built at once. What only passes rows on has them by day as they
    were delivered (`rows_come_by_day`), and putting millions of wide rows in order takes half as long again as writing them.
-#}

{% macro duckdb__create_table_as(temporary, relation, compiled_code) -%}
    {%- if config.get("materialized") == "incremental" and not (model.config.meta or {}).get("rows_come_by_day") -%}
        {%- set compiled_code = "select * from (" ~ compiled_code ~ ") as in_any_order order by business_date" -%}
    {%- endif -%}
    {{ return(dbt.duckdb__create_table_as(temporary, relation, compiled_code, *varargs, **kwargs)) }}
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
