with

check_ins as (

    select * from {{ source('app', 'app_check_ins') }}
    where not is_deleted

),

final as (

    select
        check_in_id,
        staff_id,
        machine_id,
        arrived_at,
        left_at,
        _business_date as business_date
    from check_ins

)

select * from final
