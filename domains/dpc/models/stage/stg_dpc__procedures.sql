with

delivered as (

    select * from {{ source('dpc', 'efn') }}

),

final as (

    select
        _business_date as business_date,
        facility_code,
        case_number,
        admitted_on,
        procedure_code,
        performed_on,
        amount,
        points,
        times
    from delivered

)

select * from final
