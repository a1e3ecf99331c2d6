{% test expression_is_true(model, expression) %}
    {#- Every row is as the expression says; a row for which it is unknown passes. -#}
    select *
    from {{ model }}
    where not ({{ expression }})
{% endtest %}
