{% macro tokyo_day(moment) -%}
    {#- The day in Japan of a moment that knows its time zone. -#}
    {{ return(adapter.dispatch('tokyo_day')(moment)) }}
{%- endmacro %}


{% macro default__tokyo_day(moment) -%}
    cast({{ moment }} at time zone 'Asia/Tokyo' as date)
{%- endmacro %}


{% macro snowflake__tokyo_day(moment) -%}
    cast(convert_timezone('Asia/Tokyo', {{ moment }}) as date)
{%- endmacro %}


{% macro beginning_of_time() -%}
    cast('1900-01-01' as date)
{%- endmacro %}


{% macro end_of_time() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
