{#-
    Yen have no decimals, so what a rate makes of an amount is rounded, once per vend and half away from zero
    (10.5 → 11, -10.5 → -11). Sums are sums of rounded amounts; nothing is rounded again after adding up.
-#}

{% macro round_yen(amount) -%}
    cast(round({{ amount }}, 0) as bigint)
{%- endmacro %}


{% macro share_of_yen(amount, rate) -%}
    {#- Both as decimals, so that no float decides which way a half falls. -#}
    {{ round_yen("cast(" ~ amount ~ " as decimal(18, 0)) * cast(" ~ rate ~ " as decimal(5, 4))") }}
{%- endmacro %}


{% macro safe_divide(dividend, divisor) -%}
    {#- Null where there is nothing to divide by. Warehouses disagree on integer division, so both sides are doubles. -#}
    cast(
        round(cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0), 4) as decimal(18, 4)
    )
{%- endmacro %}
