with

cases as (

    select * from {{ ref('stg_dpc__cases') }}
    where {{ in_window('business_date') }}

),

diagnosis_groups as (

    select * from {{ ref('ref_diagnosis_groups') }}

),

readmissions as (

    select * from {{ ref('mart_readmissions') }}
    where {{ in_window('business_date') }}

),

nursing_needs as (

    select * from {{ ref('stg_dpc__nursing_needs') }}
    where {{ in_window('business_date') }}

),

hospital_months as (

    select
        cases.business_date,
        cases.facility_code,
        count(*) as cases,
        cast(sum(cases.stay_days) as bigint) as stay_days,
        cast(sum(cases.points) as bigint) as points,
        cast(sum(case when cases.stay_days <= diagnosis_groups.period_2_days then 1 else 0 end) as bigint) as in_time,
        cast(sum(case when cases.has_died then 1 else 0 end) as bigint) as deaths
    from cases
    left join diagnosis_groups
        on cases.diagnosis_group = diagnosis_groups.diagnosis_group
    group by cases.business_date, cases.facility_code

),

readmitted_cases as (

    select
        business_date,
        facility_code,
        count(*) as readmissions
    from readmissions
    group by business_date, facility_code

),

assessed_days as (

    select
        business_date,
        facility_code,
        count(*) as days_assessed,
        cast(sum(case when is_in_need then 1 else 0 end) as bigint) as days_in_need
    from nursing_needs
    group by business_date, facility_code

),

final as (

    select
        hospital_months.business_date,
        hospital_months.facility_code,
        hospital_months.cases,
        hospital_months.stay_days,
        {{ safe_divide('hospital_months.stay_days', 'hospital_months.cases') }} as average_stay_days,
        hospital_months.points,
        {{ safe_divide('hospital_months.points', 'hospital_months.stay_days') }} as points_per_day,
        {{ safe_divide('hospital_months.in_time', 'hospital_months.cases') }} as share_within_period_2,
        hospital_months.deaths,
        coalesce(readmitted_cases.readmissions, 0) as readmissions,
        {{ safe_divide('coalesce(readmitted_cases.readmissions, 0)', 'hospital_months.cases') }} as readmission_rate,
        {{ safe_divide('assessed_days.days_in_need', 'assessed_days.days_assessed') }} as nursing_need_rate
    from hospital_months
    left join readmitted_cases
        on
            hospital_months.business_date = readmitted_cases.business_date
            and hospital_months.facility_code = readmitted_cases.facility_code
    left join assessed_days
        on
            hospital_months.business_date = assessed_days.business_date
            and hospital_months.facility_code = assessed_days.facility_code

)

select * from final
