with

delivered as (

    select * from {{ source('dpc', 'dn') }}

),

final as (

    select
        _business_date as business_date,
        facility_code,
        case_number,
        admitted_on,
        charged_on,
        diagnosis_group,
        points
    from delivered

)

select * from final
