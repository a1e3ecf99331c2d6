with

machines as (

    select * from {{ ref('int_machines_versioned') }}
    where is_current

),

final as (

    select
        machine_id,
        machine_name,
        location_name,
        location_type,
        prefecture,
        cast(latitude as decimal(9, 6)) as latitude,
        cast(longitude as decimal(9, 6)) as longitude,
        route_id,
        installed_on,
        removed_on,
        status,
        cast(commission_rate as decimal(5, 4)) as commission_rate,
        is_listed,
        valid_from
    from machines

)

select * from final
