with

stops as (

    select * from {{ ref('int_driver_stops') }}

),

final as (

    select
        stop_id,
        business_date,
        machine_id,
        {{ pseudonym('staff_id') }} as staff_key,
        check_in_id,
        visit_id,
        case
            when visit_id is null then 'checked in only'
            when check_in_id is null then 'filled only'
            else 'checked in and filled'
        end as finding,
        arrived_at,
        left_at,
        first_filled_at,
        cast(datediff('second', arrived_at, left_at) as bigint) as seconds_on_site,
        cast(slots_filled as bigint) as slots_filled,
        cast(units_added as bigint) as units_added,
        cast(photos as bigint) as photos
    from stops

)

select * from final
