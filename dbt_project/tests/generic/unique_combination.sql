{% test unique_combination(model, columns) %}
    {#- One row for every combination of these columns, none of which is null. -#}
    select
        {{ columns | join(", ") }},
        count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
