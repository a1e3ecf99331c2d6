{% macro tokyo_time(moment) -%}
    {#- What the clocks in Japan showed at a moment that knows its time zone. -#}
    {{ return(adapter.dispatch('tokyo_time')(moment)) }}
{%- endmacro %}


{% macro default__tokyo_time(moment) -%}
    cast({{ moment }} at time zone 'Asia/Tokyo' as timestamp)
{%- endmacro %}


{% macro snowflake__tokyo_time(moment) -%}
    cast(convert_timezone('Asia/Tokyo', {{ moment }}) as timestamp)
{%- endmacro %}
