{% test holds(model, condition) %}
    {#- Every row is as the condition says; a row for which it is unknown passes. -#}
    select *
    from {{ model }}
    where not ({{ condition }})
{% endtest %}
