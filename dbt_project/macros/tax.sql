{#-
    Prices include consumption tax, and what is net of tax is the price less the tax in it:

        tax = amount × rate / (1 + rate), its fraction of a yen cut off;   without tax = amount - tax

    Cutting off is one of the three ways that are left to the business (up, down, half up), and the one that the tax
    office itself uses. It is done once per total and rate, never per vend: of 100 drinks at 130 yen the tax is
    13,000 × 8 / 108 = 962 yen, while 9 yen cut off from each would make it 900. So a mart adds up what was sold at one
    rate in one of its rows, takes the tax out of that, and adds up what the rates give. Rows of different marts, which
    add up differently, may therefore be apart by a yen per row and rate; what was paid is the same in all of them.
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
