{#-
    Yen have no decimals, so what a rate makes of an amount is rounded, half away from zero (10.5 → 11, -10.5 → -11).
    It is done once per total that somebody pays: a provider takes its fee from all that was paid in a settlement
    period, and of 100 drinks at 130 yen 1.98 % are 257 yen, while 3 yen from each would make it 300.

    A part of such a total has an exact share, with the decimals that it takes (a whole amount times a rate of four
    decimals has four), which adds up with any others. Where a part has to be whole yen, it has the share to the yen:
    what the total is with it less what it is without it, in a given order. So shares add up to the total whatever
    the parts are, and one depends only on those before it.
-#}

{% macro round_yen(amount) -%}
    cast(round({{ amount }}, 0) as bigint)
{%- endmacro %}


{% macro exact_share(amount, rate) -%}
    {#- Both as decimals, so that no float decides which way a half falls once they are added up and rounded. -#}
    cast({{ amount }} as decimal(18, 0)) * cast({{ rate }} as decimal(5, 4))
{%- endmacro %}


{% macro share_of_yen(amount, rate) -%}
    {{ round_yen(exact_share(amount, rate)) }}
{%- endmacro %}


{% macro share_to_the_yen(amount, total_per, in_order_of) -%}
    {#- Whole yen of a row whose exact share is `amount`; the rows of a total add up to the total, rounded once. -#}
    {%- set until_here -%}
        sum({{ amount }}) over (
            partition by {{ total_per }} order by {{ in_order_of }}
            rows between unbounded preceding and current row
        )
    {%- endset -%}
    {{ round_yen(until_here) }} - {{ round_yen(until_here ~ " - " ~ amount) }}
{%- endmacro %}


{% macro safe_divide(dividend, divisor) -%}
    {#- Null where there is nothing to divide by. Warehouses disagree on integer division, so both sides are doubles. -#}
    cast(
        round(cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0), 4) as decimal(18, 4)
    )
{%- endmacro %}
