{% macro tokyo_day(instant) -%}
    {{ return(adapter.dispatch('tokyo_day')(instant)) }}
{%- endmacro %}


{% macro default__tokyo_day(instant) -%}
    cast({{ instant }} at time zone 'Asia/Tokyo' as date)
{%- endmacro %}


{% macro snowflake__tokyo_day(instant) -%}
    cast(convert_timezone('Asia/Tokyo', {{ instant }}) as date)
{%- endmacro %}


{% macro tokyo_time(instant) -%}
    {{ return(adapter.dispatch('tokyo_time')(instant)) }}
{%- endmacro %}


{% macro default__tokyo_time(instant) -%}
    cast({{ instant }} at time zone 'Asia/Tokyo' as timestamp)
{%- endmacro %}


{% macro snowflake__tokyo_time(instant) -%}
    cast(convert_timezone('Asia/Tokyo', {{ instant }}) as timestamp)
{%- endmacro %}
