with

cases as (

    select * from {{ ref('stg_dpc__cases') }}
    where {{ in_window('business_date') }}

),

diagnosis_groups as (

    select * from {{ ref('ref_diagnosis_groups') }}

),

grouped_cases as (

    select
        business_date,
        facility_code,
        diagnosis_group,
        count(*) as cases,
        cast(sum(stay_days) as bigint) as stay_days,
        cast(sum(points) as bigint) as points
    from cases
    group by business_date, facility_code, diagnosis_group

),

hospital_months as (

    select
        business_date,
        facility_code,
        cast(sum(cases) as bigint) as cases
    from grouped_cases
    group by business_date, facility_code

),

final as (

    select
        grouped_cases.business_date,
        grouped_cases.facility_code,
        grouped_cases.diagnosis_group,
        diagnosis_groups.diagnosis_group_name,
        grouped_cases.cases,
        {{ safe_divide('grouped_cases.cases', 'hospital_months.cases') }} as share_of_cases,
        grouped_cases.points,
        grouped_cases.stay_days,
        {{ safe_divide('grouped_cases.stay_days', 'grouped_cases.cases') }} as average_stay_days,
        diagnosis_groups.period_2_days as standard_stay_days
    from grouped_cases
    inner join hospital_months
        on
            grouped_cases.business_date = hospital_months.business_date
            and grouped_cases.facility_code = hospital_months.facility_code
    left join diagnosis_groups
        on grouped_cases.diagnosis_group = diagnosis_groups.diagnosis_group

)

select * from final
