{#-
    Prices include consumption tax, and an amount without tax is the price less the tax in it:

        tax = amount × rate / (1 + rate), rounded down to a whole yen;   without tax = amount - tax

    Rounding down is one of the three ways that the law leaves to a business (up, down, half up), and the one that the
    tax office itself uses. It is done once per total and rate, never per vend: of 100 drinks at 130 yen the tax is
    13,000 × 8 / 108 = 962 yen, while 9 yen from each would make it 900. So a mart that shows the tax due adds up what
    was sold at one rate in one of its rows, takes the tax out of that, and adds up the rates. Two marts that add up
    differently can differ by a yen per row and rate.

    What is smaller than such a total, such as a vend or a day, has its price without tax with six decimals and no
    rounding: the sum over a million vends is within half a yen of the sum without tax.
-#}

{% macro tax_within(amount, rate) -%}
    {#-
        The total is not negative. The quotient is rounded to four decimals, which never rounds a fraction up to a whole
        yen: it is a multiple of 1 / (10,000 + rate in hundredths of a percent).
    -#}
    cast(floor({{ safe_divide(
        "cast(" ~ amount ~ " as decimal(18, 0)) * cast(" ~ rate ~ " as decimal(5, 4))",
        "1 + cast(" ~ rate ~ " as decimal(5, 4))"
    ) }}) as bigint)
{%- endmacro %}


{% macro without_tax(amount, rate) -%}
    {#- Six decimals: the sum of up to a million of these is off by half a yen at most. -#}
    cast(
        round(
            cast({{ amount }} as double) / nullif(cast(1 + cast({{ rate }} as decimal(5, 4)) as double), 0), 6
        ) as decimal(18, 6)
    )
{%- endmacro %}
