{% macro pseudonym(person) -%}
    {#-
        It hides a person from a reader, not from someone who has the list of staff numbers: treat it as personal data.
    -#}
    md5('vending/' || cast({{ person }} as varchar))
{%- endmacro %}
