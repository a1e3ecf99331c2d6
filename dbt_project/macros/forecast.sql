{% macro expected_shortage(wanted, units) -%}
    {#-
        Units that will be asked for and not be there, where `wanted` are asked for on average and `units` are there.
        People come by chance, so some go without even where the average would do. The spread is that of chance alone
        (the square root of the average); the bell curve is replaced by the logistic one, whose sum can be written down.
    -#}
    {%- set wanted, units = "(" ~ wanted ~ ")", "(" ~ units ~ ")" -%}
    case
        when {{ wanted }} <= 0 then 0
        when {{ units }} <= 0 then {{ wanted }}
        when 1.702 * ({{ wanted }} - {{ units }}) > 30 * sqrt({{ wanted }}) then {{ wanted }} - {{ units }}
        else
            sqrt({{ wanted }}) * ln(
                1 + exp(
                    cast(1.702 * ({{ wanted }} - {{ units }}) as double) / nullif(cast(sqrt({{ wanted }}) as double), 0)
                )
            ) * 0.5875
    end
{%- endmacro %}


{% macro joined_text(text, separator, ordered_by) -%}
    {#- The texts of a group in one, in this order. -#}
    {{ return(adapter.dispatch('joined_text')(text, separator, ordered_by)) }}
{%- endmacro %}


{% macro default__joined_text(text, separator, ordered_by) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ ordered_by }})
{%- endmacro %}


{% macro snowflake__joined_text(text, separator, ordered_by) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ ordered_by }})
{%- endmacro %}


{% macro last_days(days, per) -%}
    {#- A window over the row's own day and the days before it; by the day's number, so that days without a row count. -#}
    partition by {{ per }} order by day_number range between {{ days - 1 }} preceding and current row
{%- endmacro %}


{% macro day_number(day) -%}
    ({{ day }} - cast('2000-01-01' as date))
{%- endmacro %}


{% macro by_weekday(day, columns) -%}
    {#- Of seven columns, numbered from Monday, that of the day. -#}
    case {{ weekday_number(day) }}
        {%- for weekday in range(1, 8) %}
        when {{ weekday }} then {{ columns }}{{ weekday }}
        {%- endfor %}
    end
{%- endmacro %}


{% macro index_of(rhythms, day) -%}
    {#- What a day is worth to a machine, by its weekday; 1 is an average day. -#}
    {{ by_weekday(day, rhythms ~ ".index_") }}
{%- endmacro %}


{% macro next_route_day(routes, day) -%}
    {#- The first day, from this one on, on which the route drives. -#}
    {{ days_later(day, by_weekday(day, routes ~ ".days_from_")) }}
{%- endmacro %}


{% macro spoken(units) -%}
    cast(cast(round({{ units }}, 1) as decimal(18, 1)) as varchar)
{%- endmacro %}
