with

results as (

    select * from {{ ref('stg_quality__results') }}

),

-- A dataset's days: those for which a check ran about that day alone.
dataset_days as (

    select distinct
        dataset,
        first_day as business_date
    from results
    where first_day = last_day

),

results_by_day as (

    select
        dataset_days.business_date,
        results.run_id,
        results.dataset,
        results.check_name,
        results.column_name,
        results.dimension,
        results.status,
        results.failed_rows,
        results.total_rows,
        results.expected,
        results.actual,
        results.message,
        results.first_day,
        results.last_day,
        results.severity,
        results.checked_at
    from results
    inner join dataset_days
        on
            results.dataset = dataset_days.dataset
            and dataset_days.business_date between results.first_day and results.last_day
    where results.first_day < results.last_day

    union all

    select
        first_day as business_date,
        run_id,
        dataset,
        check_name,
        column_name,
        dimension,
        status,
        failed_rows,
        total_rows,
        expected,
        actual,
        message,
        first_day,
        last_day,
        severity,
        checked_at
    from results
    where first_day = last_day

),

ranked_results as (

    select
        *,
        row_number() over (
            partition by dataset, check_name, column_name, business_date
            order by checked_at desc, run_id desc, status asc
        ) as place
    from results_by_day

),

final as (

    select
        business_date,
        dataset,
        check_name,
        column_name,
        dimension,
        severity,
        status,
        failed_rows,
        total_rows,
        expected,
        actual,
        message,
        first_day,
        last_day,
        status <> 'passed' as is_failing,
        -- There are many of these, and as long as they are usual they would only hide what is not.
        status <> 'passed' or check_name not in ('null share', 'distinct values') as is_scored,
        cast(
            case
                when status = 'passed' then 1
                when status <> 'error' and failed_rows > 0 and total_rows > 0
                    then
                        case
                            when failed_rows < total_rows then 1 - {{ safe_divide('failed_rows', 'total_rows') }}
                            else 0
                        end
                when status = 'warned' then 0.5
                else 0
            end as decimal(18, 4)
        ) as share_passed
    from ranked_results
    where place = 1

)

select * from final
