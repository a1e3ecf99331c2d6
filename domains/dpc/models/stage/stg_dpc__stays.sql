with

delivered as (

    select * from {{ source('dpc', 'ff4') }}

),

final as (

    select
        _business_date as business_date,
        facility_code,
        case_number,
        admitted_on,
        discharged_on,
        episode_number,
        insurance,
        discharged_on - admitted_on + 1 as stay_days
    from delivered

)

select * from final
