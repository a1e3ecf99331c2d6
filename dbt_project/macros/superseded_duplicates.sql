{% macro superseded_duplicates(rows, file_versions, key, event_time, source_name) -%}
    {#-
        Of the rows with the same key the best one counts, whichever file came first: the row whose event time lies on
        its file's day, then the later event time, then the greater path, then the greater line.

        It is written so that a day costs a day. With a row number over all rows, or one CTE for both sides, the
        warehouse would sort all of history before it filters the days of the window.
    -#}
    with

    final as (

        select distinct
            worse.business_date,
            worse.file_id,
            worse.line_number
        from {{ rows }} as worse
        inner join {{ rows }} as better
            on
                worse.{{ key }} = better.{{ key }}
                and (worse.file_id <> better.file_id or worse.line_number <> better.line_number)
        left join {{ file_versions }} as worse_file
            on worse.file_id = worse_file.file_id
        left join {{ file_versions }} as better_file
            on better.file_id = better_file.file_id
        where
            {{ in_window("worse.business_date") }}
            and {{ on_days_that_share_keys("worse.business_date", source_name) }}
            and {{ on_days_that_share_keys("better.business_date", source_name) }}
            and (
                {{ is_on_its_day("better", event_time) }} > {{ is_on_its_day("worse", event_time) }}
                or (
                    {{ is_on_its_day("better", event_time) }} = {{ is_on_its_day("worse", event_time) }}
                    and (
                        better.{{ event_time }} > worse.{{ event_time }}
                        or (
                            better.{{ event_time }} = worse.{{ event_time }}
                            and (
                                better_file.path > worse_file.path
                                or (better.file_id = worse.file_id and better.line_number > worse.line_number)
                            )
                        )
                    )
                )
            )

    )

    select * from final
{%- endmacro %}


{% macro is_on_its_day(alias, event_time) -%}
    case when cast({{ alias }}.{{ event_time }} as date) = {{ alias }}.business_date then 1 else 0 end
{%- endmacro %}


{#-
    var('days_that_share_keys') lists, per source, the only days on which a key came more than once. The platform has
    then compared all rows already, so there is no need to do it again; without the var all of history is searched. A
    unit test is about its own rows.
-#}

{% macro on_days_that_share_keys(column, source_name) -%}
    {%- set days = var("days_that_share_keys", {}).get(source_name) -%}
    {%- if days is none or model.resource_type == "unit_test" -%}
        1 = 1
    {%- elif days -%}
        {{ column }} in (
            {%- for day in days %}cast('{{ window_day(day) }}' as date){{ ", " if not loop.last }}{% endfor -%}
        )
    {%- else -%}
        1 = 0
    {%- endif -%}
{%- endmacro %}
