with

cases as (

    select * from {{ ref('stg_dpc__cases') }}
    where {{ in_reach('business_date') }}

),

stays_with_the_one_before as (

    select
        business_date,
        facility_code,
        case_number,
        admitted_on,
        discharged_on,
        diagnosis_group,
        lag(discharged_on) over (
            partition by facility_code, case_number
            order by admitted_on, discharged_on
        ) as discharged_before_on,
        lag(diagnosis_group) over (
            partition by facility_code, case_number
            order by admitted_on, discharged_on
        ) as diagnosis_group_before
    from cases

),

final as (

    select
        business_date,
        facility_code,
        case_number,
        admitted_on,
        discharged_on,
        discharged_before_on,
        cast(admitted_on - discharged_before_on as bigint) as days_between,
        diagnosis_group,
        diagnosis_group_before,
        diagnosis_group = diagnosis_group_before as is_same_group
    from stays_with_the_one_before
    where
        {{ in_window('business_date') }}
        and admitted_on - discharged_before_on between 0 and {{ var('readmitted_within_days') }}

)

select * from final
