with

delivered as (

    select * from {{ source('dpc', 'ff1') }}

),

final as (

    select
        _business_date as business_date,
        facility_code,
        case_number,
        admitted_on,
        episode_number,
        code,
        payload_1,
        payload_2
    from delivered

)

select * from final
