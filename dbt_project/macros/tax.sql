{#-
    Prices include consumption tax, and what is net of tax is the price less the tax in it:

        tax = amount × rate / (1 + rate), its fraction of a yen cut off;   without tax = amount - tax

    Cutting off is one of the three ways that are left to the business (up, down, half up), and the one that the tax
    office itself uses. It is done once per total and rate, never per vend: of 100 drinks at 130 yen the tax is
    13,000 × 8 / 108 = 962 yen, while 9 yen cut off from each would make it 900. So a mart that says what tax is due
    adds up what was sold at one rate in one of its rows, takes the tax out of that, and adds up what the rates give.
    Its rows may be apart by a yen per row and rate from another's, which adds up differently.

    What is less than such a total, as a vend or a day, has its price without tax with six decimals, and nothing is cut
    off: sums of a million vends are within half a yen of the sum without tax.
-#}

{% macro tax_within(amount, rate) -%}
    {#-
        Of a total that is not negative. The quotient has four decimals, and no fraction of it can be rounded up to a
        whole yen by that: it is a multiple of 1 / (10,000 + rate in hundredths of a percent).
    -#}
    cast(floor({{ safe_divide(
        "cast(" ~ amount ~ " as decimal(18, 0)) * cast(" ~ rate ~ " as decimal(5, 4))",
        "1 + cast(" ~ rate ~ " as decimal(5, 4))"
    ) }}) as bigint)
{%- endmacro %}


{% macro without_tax(amount, rate) -%}
    {#- A part of a total, with six decimals: no sum of up to a million of them is off by more than half a yen. -#}
    cast(
        round(
            cast({{ amount }} as double) / nullif(cast(1 + cast({{ rate }} as decimal(5, 4)) as double), 0), 6
        ) as decimal(18, 6)
    )
{%- endmacro %}
