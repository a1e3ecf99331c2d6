{% macro digits() -%}
    {#- The rows 0 to 9, from which longer rows of numbers are crossed: no two warehouses generate a series alike. -#}
    (
        select 0 as digit
        {% for digit in range(1, 10) -%}
            union all
            select {{ digit }} as digit
        {% endfor -%}
    )
{%- endmacro %}
