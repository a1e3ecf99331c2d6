{% macro scd2(rows, key, attributes) -%}
    {#-
        One row per key and period in which no attribute changed, from valid_from until the day before valid_to.

        - The first version of a key is valid from the beginning of time: masters arrive late.
        - A key that newer versions no longer list keeps its last row, with is_listed false: old stock still sells.
    -#}
    with

    versions as (

        select
            {{ key }},
            {%- for attribute in attributes %}
            {{ attribute }},
            {%- endfor %}
            version_day,
            max(case when is_current_version then version_day end) over (partition by {{ key }}) as current_version_day
        from {{ rows }}
        where is_in_history

    ),

    compared_versions as (

        select
            *,
            case
                when row_number() over (partition by {{ key }} order by version_day) = 1 then 'first'
                when
                    {%- for attribute in attributes %}
                    {{ "and " if not loop.first }}{{ attribute }} is not distinct from lag({{ attribute }}) over (partition by {{ key }} order by version_day)
                    {%- endfor %}
                    then 'same'
                else 'changed'
            end as comparison
        from versions

    ),

    periods as (

        select
            *,
            coalesce(lead(version_day) over (partition by {{ key }} order by version_day), {{ end_of_time() }}) as valid_to
        from compared_versions
        where comparison <> 'same'

    )

    select
        {{ key }},
        case when comparison = 'first' then {{ beginning_of_time() }} else version_day end as valid_from,
        valid_to,
        {%- for attribute in attributes %}
        {{ attribute }},
        {%- endfor %}
        current_version_day is not null as is_listed,
        case
            when current_version_day is null then valid_to = {{ end_of_time() }}
            else current_version_day >= version_day and current_version_day < valid_to
        end as is_current
    from periods
{%- endmacro %}


{% macro valid_on(history, day) -%}
    {{ day }} >= {{ history }}.valid_from and {{ day }} < {{ history }}.valid_to
{%- endmacro %}


{% macro beginning_of_time() -%}
    cast('1900-01-01' as date)
{%- endmacro %}


{% macro end_of_time() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
