with

results as (

    select * from {{ source('quality', 'results_check') }}

),

final as (

    select
        run_id,
        dataset,
        check_name,
        coalesce(column_name, '') as column_name,
        dimension,
        severity,
        status,
        failed_rows,
        total_rows,
        expected,
        actual,
        message,
        -- A result without days is about the day on which the check ran.
        coalesce(first_day, checked_on) as first_day,
        coalesce(last_day, checked_on) as last_day,
        checked_at
    from results
    where status <> 'skipped'

)

select * from final
