{#-
    Yen have no decimals, so an amount times a rate is rounded, half away from zero (10.5 → 11, -10.5 → -11). It is done
    once per total that someone pays: a provider takes its fee from everything paid in a settlement period, and of 100
    drinks at 130 yen 1.98 % are 257 yen, while 3 yen from each would make it 300.

    A part of such a total has an exact share, with as many decimals as it needs (a whole amount times a rate of four
    decimals has four), and exact shares add up. Where a part has to be whole yen, its share to the yen is the total
    with it less the total without it, in a given order. So the shares add up to the total whatever the parts are, and
    each depends only on those before it.
-#}

{% macro round_yen(amount) -%}
    cast(round({{ amount }}, 0) as bigint)
{%- endmacro %}


{% macro exact_share(amount, rate) -%}
    {#- Both are decimals, so that no float decides which way a half is rounded once the shares are added up. -#}
    cast({{ amount }} as decimal(18, 0)) * cast({{ rate }} as decimal(5, 4))
{%- endmacro %}


{% macro share_of_yen(amount, rate) -%}
    {{ round_yen(exact_share(amount, rate)) }}
{%- endmacro %}


{% macro share_to_the_yen(amount, partition_by, order_by) -%}
    {%- set running_total -%}
        sum({{ amount }}) over (
            partition by {{ partition_by }} order by {{ order_by }}
            rows between unbounded preceding and current row
        )
    {%- endset -%}
    {{ round_yen(running_total) }} - {{ round_yen(running_total ~ " - " ~ amount) }}
{%- endmacro %}
