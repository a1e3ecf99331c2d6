{% macro one_row_per_key(source_relation, file_versions, key, moment) -%}
    {#-
        A select of one row per key from a daily source, whichever of its files came first: the row whose moment lies
        on its file's day wins, then the later moment, then the greater path, then the greater line.

        Said as "there is no better one" and not as a row number over all rows, because a condition on the business day
        gets through this to the scan: a day costs a day.
    -#}
    with

    delivered as (

        select
            given.*,
            coalesce(file_versions.path, '') as _path,
            case when cast(given.{{ moment }} as date) = given._business_date then 1 else 0 end as _agrees
        from {{ source_relation }} as given
        left join {{ file_versions }} as file_versions
            on given._file_id = file_versions.file_id

    )

    select delivered.*
    from delivered
    where not exists (
        select 1
        from delivered as better
        where
            better.{{ key }} = delivered.{{ key }}
            and (
                better._agrees > delivered._agrees
                or (
                    better._agrees = delivered._agrees
                    and (
                        better.{{ moment }} > delivered.{{ moment }}
                        or (
                            better.{{ moment }} = delivered.{{ moment }}
                            and (
                                better._path > delivered._path
                                or (better._path = delivered._path and better._line > delivered._line)
                            )
                        )
                    )
                )
            )
    )
{%- endmacro %}
