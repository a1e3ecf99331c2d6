{% macro one_row_per_key(delivered, file_versions, key, moment) -%}
    {#-
        A select of one row per key from a daily source, whichever of its files came first: the row whose moment lies
        on its file's day wins, then the later moment, then the greater path, then the greater line.

        Written so that a day costs a day. A row number over all rows, or one CTE for both sides, would have the
        warehouse sort all of history before it looks at the days that are asked for.
    -#}
    with

    -- Rows whose key also came in a row that is better.
    outdone as (

        select
            worse.{{ key }},
            worse._business_date,
            worse._file_id,
            worse._line
        from {{ delivered }} as worse
        inner join {{ delivered }} as better
            on
                worse.{{ key }} = better.{{ key }}
                and (worse._file_id <> better._file_id or worse._line <> better._line)
        left join {{ file_versions }} as worse_file
            on worse._file_id = worse_file.file_id
        left join {{ file_versions }} as better_file
            on better._file_id = better_file.file_id
        where
            {{ on_its_day("better", moment) }} > {{ on_its_day("worse", moment) }}
            or (
                {{ on_its_day("better", moment) }} = {{ on_its_day("worse", moment) }}
                and (
                    better.{{ moment }} > worse.{{ moment }}
                    or (
                        better.{{ moment }} = worse.{{ moment }}
                        and (
                            better_file.path > worse_file.path
                            or (better._file_id = worse._file_id and better._line > worse._line)
                        )
                    )
                )
            )

    )

    select given.*
    from {{ delivered }} as given
    left join outdone
        on
            given.{{ key }} = outdone.{{ key }}
            and given._business_date = outdone._business_date
            and given._file_id = outdone._file_id
            and given._line = outdone._line
    where outdone._line is null
{%- endmacro %}


{% macro on_its_day(alias, moment) -%}
    case when cast({{ alias }}.{{ moment }} as date) = {{ alias }}._business_date then 1 else 0 end
{%- endmacro %}
