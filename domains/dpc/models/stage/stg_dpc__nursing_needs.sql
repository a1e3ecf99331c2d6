with

delivered as (

    select * from {{ source('dpc', 'hn') }}

),

final as (

    select
        _business_date as business_date,
        facility_code,
        case_number,
        admitted_on,
        assessed_on,
        score_a,
        score_b,
        score_c,
        score_a >= 2 and score_b >= 3 or score_a >= 3 or score_c >= 1 as is_in_need
    from delivered

)

select * from final
