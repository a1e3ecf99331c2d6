{{ config(materialized='view') }}

with

results as (

    select * from {{ ref('int_quality_results_latest') }}

),

results_with_previous as (

    select
        *,
        lag(status) over (partition by dataset, check_name, column_name order by business_date) as status_before
    from results

),

dimension_scores as (

    select
        dataset,
        business_date,
        dimension,
        count(*) as checks,
        sum(case when status = 'warned' then 1 else 0 end) as checks_warned,
        sum(case when status in ('failed', 'error') then 1 else 0 end) as checks_failed,
        sum(case when is_failing and coalesce(status_before, 'passed') = 'passed' then 1 else 0 end) as new_failures,
        sum(case when is_failing then coalesce(failed_rows, 0) else 0 end) as failed_rows,
        {{ safe_divide(
            '100 * sum(case when is_scored then share_passed end)', 'sum(case when is_scored then 1 end)'
        ) }} as score
    from results_with_previous
    group by dataset, business_date, dimension

),

day_scores as (

    select
        dataset,
        business_date,
        sum(checks) as checks,
        sum(checks_warned) as checks_warned,
        sum(checks_failed) as checks_failed,
        sum(new_failures) as new_failures,
        sum(failed_rows) as failed_rows,
        {{ safe_divide('sum(score)', 'count(score)') }} as score,
        max(case when dimension = 'completeness' then score end) as completeness_score,
        max(case when dimension = 'validity' then score end) as validity_score,
        max(case when dimension = 'uniqueness' then score end) as uniqueness_score,
        max(case when dimension = 'consistency' then score end) as consistency_score,
        max(case when dimension = 'timeliness' then score end) as timeliness_score,
        max(case when dimension = 'accuracy' then score end) as accuracy_score
    from dimension_scores
    group by dataset, business_date

),

scores_with_history as (

    select
        *,
        sum(score) over (
            partition by dataset order by business_date rows between 28 preceding and 1 preceding
        ) as past_scores,
        count(score) over (
            partition by dataset order by business_date rows between 28 preceding and 1 preceding
        ) as past_days,
        max(case when checks_warned + checks_failed > 0 then business_date end) over (
            partition by dataset order by business_date rows between unbounded preceding and current row
        ) as last_failure_on
    from day_scores

),

final as (

    select
        dataset,
        business_date,
        cast(checks as bigint) as checks,
        cast(checks_warned as bigint) as checks_warned,
        cast(checks_failed as bigint) as checks_failed,
        cast(new_failures as bigint) as new_failures,
        cast(failed_rows as bigint) as failed_rows,
        cast(score as decimal(18, 4)) as score,
        cast(score - {{ safe_divide('past_scores', 'past_days') }} as decimal(18, 4)) as score_trend,
        cast(completeness_score as decimal(18, 4)) as completeness_score,
        cast(validity_score as decimal(18, 4)) as validity_score,
        cast(uniqueness_score as decimal(18, 4)) as uniqueness_score,
        cast(consistency_score as decimal(18, 4)) as consistency_score,
        cast(timeliness_score as decimal(18, 4)) as timeliness_score,
        cast(accuracy_score as decimal(18, 4)) as accuracy_score,
        last_failure_on,
        cast(business_date - last_failure_on as bigint) as days_since_failure
    from scores_with_history

)

select * from final
