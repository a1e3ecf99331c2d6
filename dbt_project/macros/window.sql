{#-
    The window: the business days a run is about, var('first_day') to var('last_day'), both included. Without them it is
    every day. A model filters with `where {{ in_window('business_date') }}`, outside is_incremental(), so that a
    table's first run for one day reads one day and not all of history.

    A changed day affects more days of some models than of others. var('windows') gives the window of each such model,
    as {model: [first, last]}; a test reads all days of the models that it reads. A model of whole months always has
    whole months.
-#}

{% macro in_window(column) -%}
    {{ between_days(column, window_of(model)) }}
{%- endmacro %}


{% macro in_reach(column) -%}
    {%- set days = window_of(model) -%}
    {%- set reach = (model.config.meta or {}).get("reach") -%}
    {%- set reach = reach if reach is mapping else {} -%}
    {%- set days = [
        month_moved(days[0], -reach.get("months_before", 0)), month_moved(days[1], reach.get("months_after", 0))
    ] -%}
    {{ between_days(column, [
        day_moved(days[0], -reach.get("days_before", 0)), day_moved(days[1], reach.get("days_after", 0))
    ]) }}
{%- endmacro %}


{% macro in_months_of_window(column) -%}
    {{ between_days(column, whole_months(window_of(model))) }}
{%- endmacro %}


{% macro window_of(node) -%}
    {#- A unit test is about the days that it declares itself, whatever days the run is about. -#}
    {%- if node.resource_type == "unit_test" -%}
        {%- set declared, windows = (node.overrides or {}).get("vars", {}), {} -%}
        {%- set days_of_run = [window_day(declared.get("first_day")), window_day(declared.get("last_day"))] -%}
    {%- else -%}
        {%- set windows = var("windows", {}) -%}
        {%- set days_of_run = [window_day(var("first_day", none)), window_day(var("last_day", none))] -%}
    {%- endif -%}
    {%- set own_windows = [] -%}
    {%- for name in ([node.unique_id] if node.resource_type == "model" else node.depends_on.nodes) -%}
        {%- if name.split(".")[-1] in windows -%}
            {%- do own_windows.append(windows[name.split(".")[-1]]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set days = days_of_run -%}
    {%- if own_windows -%}
        {%- set days = [window_day(own_windows | map("first") | min), window_day(own_windows | map("last") | max)] -%}
    {%- endif -%}
    {%- if (days[0] or days[1]) and execute and flags.FULL_REFRESH and node.resource_type != "unit_test" -%}
        {{ exceptions.raise_compiler_error(
            "--full-refresh builds a table from nothing, so it can't be about a few days only: all other days would be "
            ~ "lost. Leave out either --full-refresh or first_day and last_day."
        ) }}
    {%- endif -%}
    {%- set reach = (node.config.meta or {}).get("reach") -%}
    {%- if reach == "month" or (reach is mapping and ("months_before" in reach or "months_after" in reach)) -%}
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


{% macro month_moved(day, months) -%}
    {#- The first or the last day of a month, so many months on: a first day stays one, and a last day too. -#}
    {%- if not day or not months -%}
        {{ return(day) }}
    {%- endif -%}
    {%- set start = modules.datetime.date.fromisoformat(month_start(day)) -%}
    {%- set number = start.year * 12 + start.month - 1 + months -%}
    {%- set moved = "%04d-%02d-01" | format(number // 12, number % 12 + 1) -%}
    {{ return(moved if day == month_start(day) else whole_months([moved, moved])[1]) }}
{%- endmacro %}


{% macro month_start(day) -%}
    {{ return(day[:8] ~ "01" if day else none) }}
{%- endmacro %}


{% macro days_before() -%}
    {{ return(declared_reach().get("days_before", 0)) }}
{%- endmacro %}


{% macro days_after() -%}
    {{ return(declared_reach().get("days_after", 0)) }}
{%- endmacro %}


{% macro declared_reach() -%}
    {#- The config is still empty while dbt parses the project. -#}
    {{ return((model.config.meta or {}).get("reach", {})) }}
{%- endmacro %}
