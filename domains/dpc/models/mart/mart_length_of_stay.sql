with

cases as (

    select * from {{ ref('stg_dpc__cases') }}
    where {{ in_window('business_date') }}

),

diagnosis_groups as (

    select * from {{ ref('ref_diagnosis_groups') }}

),

cases_with_period as (

    select
        cases.business_date,
        cases.facility_code,
        cases.diagnosis_group,
        cases.stay_days,
        case
            when cases.stay_days <= diagnosis_groups.period_1_days then 'I'
            when cases.stay_days <= diagnosis_groups.period_2_days then 'II'
            when cases.stay_days <= diagnosis_groups.period_3_days then 'III'
            else 'beyond III'
        end as period
    from cases
    inner join diagnosis_groups
        on cases.diagnosis_group = diagnosis_groups.diagnosis_group

),

final as (

    select
        business_date,
        facility_code,
        diagnosis_group,
        period,
        count(*) as cases,
        cast(sum(stay_days) as bigint) as stay_days,
        cast(min(stay_days) as bigint) as shortest_stay_days,
        cast(max(stay_days) as bigint) as longest_stay_days,
        period = 'beyond III' as is_outlier
    from cases_with_period
    group by business_date, facility_code, diagnosis_group, period

)

select * from final
