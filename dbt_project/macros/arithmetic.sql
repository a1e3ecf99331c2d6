{% macro numbers(last) -%}
    {%- for number in range(last + 1) %}
    {{ "union all " if not loop.first }}select {{ number }} as number
    {%- endfor %}
{%- endmacro %}


{% macro smaller(first, second) -%}
    {#- Both have to be there: of a null, `least` makes something else on each warehouse. -#}
    case when {{ first }} <= {{ second }} then {{ first }} else {{ second }} end
{%- endmacro %}


{% macro larger(first, second) -%}
    case when {{ first }} >= {{ second }} then {{ first }} else {{ second }} end
{%- endmacro %}


{% macro safe_divide(dividend, divisor) -%}
    {#- Warehouses disagree on integer division, so both sides are doubles. -#}
    cast(
        round(cast({{ dividend }} as double precision) / nullif(cast({{ divisor }} as double precision), 0), 4)
        as decimal(18, 4)
    )
{%- endmacro %}


{% macro ratio(dividend, divisor) -%}
    {#- As a double, not rounded: for what is calculated with. -#}
    cast({{ dividend }} as double precision) / nullif(cast({{ divisor }} as double precision), 0)
{%- endmacro %}
