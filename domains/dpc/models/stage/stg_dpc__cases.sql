with

stays as (

    select * from {{ ref('stg_dpc__stays') }}

),

daily_charges as (

    select * from {{ ref('stg_dpc__daily_charges') }}

),

form_1 as (

    select * from {{ ref('stg_dpc__form_1') }}

),

charges_of_stays as (

    select
        business_date,
        facility_code,
        case_number,
        admitted_on,
        max(diagnosis_group) as diagnosis_group,
        cast(sum(points) as bigint) as points
    from daily_charges
    group by business_date, facility_code, case_number, admitted_on

),

outcomes as (

    select
        business_date,
        facility_code,
        case_number,
        admitted_on,
        max(case when code = 'A000030' then payload_1 end) as outcome
    from form_1
    group by business_date, facility_code, case_number, admitted_on

),

final as (

    select
        stays.business_date,
        stays.facility_code,
        stays.case_number,
        stays.admitted_on,
        stays.discharged_on,
        stays.stay_days,
        charges_of_stays.diagnosis_group,
        charges_of_stays.points,
        coalesce(outcomes.outcome in ('6', '7'), false) as has_died
    from stays
    inner join charges_of_stays
        on
            stays.business_date = charges_of_stays.business_date
            and stays.facility_code = charges_of_stays.facility_code
            and stays.case_number = charges_of_stays.case_number
            and stays.admitted_on = charges_of_stays.admitted_on
    left join outcomes
        on
            stays.business_date = outcomes.business_date
            and stays.facility_code = outcomes.facility_code
            and stays.case_number = outcomes.case_number
            and stays.admitted_on = outcomes.admitted_on
    where stays.insurance in ('1', '2')

)

select * from final
