{% macro month_of(day) -%}
    {#- The first day of the day's month. -#}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}


{% macro last_day_of_month(day) -%}
    {{ month_of(month_of(day) ~ " + 31") }} - 1
{%- endmacro %}
