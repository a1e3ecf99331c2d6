{#- Small sums that both warehouses write alike. -#}

{% macro numbers(last) -%}
    {#- The whole numbers from 0 to last, one a row, as a select. -#}
    {%- for number in range(last + 1) %}
    {{ "union all " if not loop.first }}select {{ number }} as number
    {%- endfor %}
{%- endmacro %}


{% macro smaller(one, other) -%}
    {#- Of two values that are there. `least` means something else on each warehouse where one is not. -#}
    case when {{ one }} <= {{ other }} then {{ one }} else {{ other }} end
{%- endmacro %}


{% macro larger(one, other) -%}
    case when {{ one }} >= {{ other }} then {{ one }} else {{ other }} end
{%- endmacro %}


{% macro second_of_day(moment) -%}
    {#- Seconds since midnight. -#}
    datediff('second', cast(cast({{ moment }} as date) as timestamp), {{ moment }})
{%- endmacro %}


{% macro weekday_number(day) -%}
    {#- 1 on a Monday to 7 on a Sunday; 2000-01-03 was a Monday. Each warehouse has another function for it. -#}
    cast(
        {{ day }} - cast('2000-01-03' as date) + 1
        - 7 * floor(cast({{ day }} - cast('2000-01-03' as date) as double) / nullif(cast(7 as double), 0)) as bigint
    )
{%- endmacro %}


{% macro is_weekend(day) -%}
    ({{ weekday_number(day) }} >= 6)
{%- endmacro %}


{% macro days_before() -%}
    {#- How many days before its own this model reads, as it declares in config.meta.reach. -#}
    {{ return(declared_reach().get("days_before", 0)) }}
{%- endmacro %}


{% macro days_after() -%}
    {{ return(declared_reach().get("days_after", 0)) }}
{%- endmacro %}


{% macro declared_reach() -%}
    {#- Nothing is known of it while the project is parsed. -#}
    {{ return((model.config.meta or {}).get("reach", {})) }}
{%- endmacro %}


{% macro days_later(day, days) -%}
    {#- A day so many days after another, where their number is a column: a number's type decides on one warehouse. -#}
    {{ return(adapter.dispatch('days_later')(day, days)) }}
{%- endmacro %}


{% macro default__days_later(day, days) -%}
    ({{ day }} + cast({{ days }} as int))
{%- endmacro %}


{% macro snowflake__days_later(day, days) -%}
    cast(dateadd('day', {{ days }}, {{ day }}) as date)
{%- endmacro %}
