with

photos as (

    select * from {{ source('app', 'app_photos') }}
    where not is_deleted

),

final as (

    select
        photo_id,
        check_in_id,
        machine_id,
        taken_at,
        size,
        sha256,
        _business_date as business_date
    from photos

)

select * from final
