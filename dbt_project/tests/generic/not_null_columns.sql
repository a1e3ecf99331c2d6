{% test not_null_columns(model, columns) %}
    {#- None of these columns is ever empty: one question for all of them, where not_null asks one for each. -#}
    select *
    from {{ model }}
    where
        {%- for column in columns %}
        {{ "or " if not loop.first }}{{ column }} is null
        {%- endfor %}
{% endtest %}
