{% macro expected_shortage(demand, stock, variance=none) -%}
    {#-
        Customers come at random, so some find nothing even where the average would be enough. Where no variance is known the
        standard deviation is that of a Poisson process (the square root of the mean); the normal distribution is replaced
        by the logistic one, whose integral has a closed form.
    -#}
    {%- set demand, stock = "(" ~ demand ~ ")", "(" ~ stock ~ ")" -%}
    {%- set variance = "coalesce(" ~ variance ~ ", " ~ demand ~ ")" if variance else demand -%}
    case
        when {{ demand }} <= 0 then 0
        when {{ stock }} <= 0 then {{ demand }}
        when 1.702 * ({{ demand }} - {{ stock }}) > 30 * sqrt({{ variance }}) then {{ demand }} - {{ stock }}
        else
            sqrt({{ variance }}) * ln(
                1 + exp(
                    cast(1.702 * ({{ demand }} - {{ stock }}) as double) / nullif(cast(sqrt({{ variance }}) as double), 0)
                )
            ) * 0.5875
    end
{%- endmacro %}


{% macro by_days_ahead(days, column_prefix) -%}
    case {{ days }}
        {%- for number in range(1, 15) %}
        when {{ number }} then {{ column_prefix }}{{ number }}
        {%- endfor %}
    end
{%- endmacro %}


{% macro last_days(days, partition_by) -%}
    {#- By the day's number, so that days without a row count too. -#}
    partition by {{ partition_by }} order by day_number range between {{ days - 1 }} preceding and current row
{%- endmacro %}


{% macro weekday_index(rhythms, day) -%}
    {{ by_weekday(day, rhythms ~ ".index_") }}
{%- endmacro %}


{% macro next_route_day(routes, day) -%}
    {{ days_later(day, by_weekday(day, routes ~ ".days_from_")) }}
{%- endmacro %}
