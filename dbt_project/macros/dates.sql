{% macro second_of_day(moment) -%}
    datediff('second', cast(cast({{ moment }} as date) as timestamp), {{ moment }})
{%- endmacro %}


{% macro weekday_number(day) -%}
    {#- 2000-01-03 was a Monday. Each warehouse has another function for it. -#}
    cast(
        {{ day }} - cast('2000-01-03' as date) + 1
        - 7 * floor(
            cast({{ day }} - cast('2000-01-03' as date) as double precision) / nullif(cast(7 as double precision), 0)
        ) as bigint
    )
{%- endmacro %}


{% macro is_weekend(day) -%}
    ({{ weekday_number(day) }} >= 6)
{%- endmacro %}


{% macro by_weekday(day, column_prefix) -%}
    case {{ weekday_number(day) }}
        {%- for weekday in range(1, 8) %}
        when {{ weekday }} then {{ column_prefix }}{{ weekday }}
        {%- endfor %}
    end
{%- endmacro %}


{% macro day_number(day) -%}
    ({{ day }} - cast('2000-01-01' as date))
{%- endmacro %}


{% macro days_later(day, days) -%}
    {#- `day + days` depends on the type of the number on one warehouse. -#}
    {{ return(adapter.dispatch('days_later')(day, days)) }}
{%- endmacro %}


{% macro default__days_later(day, days) -%}
    ({{ day }} + cast({{ days }} as int))
{%- endmacro %}


{% macro snowflake__days_later(day, days) -%}
    cast(dateadd('day', {{ days }}, {{ day }}) as date)
{%- endmacro %}


{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}


{% macro last_day_of_month(day) -%}
    {{ month_of(month_of(day) ~ " + 31") }} - 1
{%- endmacro %}
