{% macro superseded_duplicates(delivered, file_versions, key, moment, delivered_as) -%}
    {#-
        A model of the rows whose key also came in a row that is better, whichever of their files came first: the row
        whose moment lies on its file's day wins, then the later moment, then the greater path, then the greater line.

        Written so that a day costs a day. A row number over all rows, or one CTE for both sides, would have the
        warehouse sort all of history before it looks at the days that are asked for.
    -#}
    with

    final as (

        select distinct
            worse.business_date,
            worse.file_id,
            worse.line_number
        from {{ delivered }} as worse
        inner join {{ delivered }} as better
            on
                worse.{{ key }} = better.{{ key }}
                and (worse.file_id <> better.file_id or worse.line_number <> better.line_number)
        left join {{ file_versions }} as worse_file
            on worse.file_id = worse_file.file_id
        left join {{ file_versions }} as better_file
            on better.file_id = better_file.file_id
        where
            {{ in_window("worse.business_date") }}
            and {{ on_days_that_share_keys("worse.business_date", delivered_as) }}
            and {{ on_days_that_share_keys("better.business_date", delivered_as) }}
            and (
                {{ on_its_day("better", moment) }} > {{ on_its_day("worse", moment) }}
                or (
                    {{ on_its_day("better", moment) }} = {{ on_its_day("worse", moment) }}
                    and (
                        better.{{ moment }} > worse.{{ moment }}
                        or (
                            better.{{ moment }} = worse.{{ moment }}
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


{% macro on_its_day(alias, moment) -%}
    case when cast({{ alias }}.{{ moment }} as date) = {{ alias }}.business_date then 1 else 0 end
{%- endmacro %}


{#-
    var('days_that_share_keys') gives, by delivery, the only days on which a key came more than once. Who knows them has
    compared all rows before, and nobody needs to do so again; without it all of history is searched. A unit test is
    about its own rows.
-#}

{% macro on_days_that_share_keys(column, delivered_as) -%}
    {%- set days = var("days_that_share_keys", {}).get(delivered_as) -%}
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
