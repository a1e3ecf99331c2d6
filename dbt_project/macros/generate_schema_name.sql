{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- A layer's schema has the layer's name, in every environment: what differs is the database. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
