{#-
    A test with `where: in_window` reads the window only. The word is replaced when the test runs: a var in YAML would
    be resolved when the project is parsed, and a kept manifest would test yesterday's days.
-#}

{% macro get_where_subquery(relation) -%}
    {%- set where = (config.get("where") or "") | replace("in_window", in_window("business_date")) -%}
    {%- if where -%}
        {%- do return("(select * from " ~ relation ~ " where " ~ where ~ ") as rows_in_window") -%}
    {%- endif -%}
    {%- do return(relation) -%}
{%- endmacro %}
