with

customers as (

    select * from {{ source('app', 'app_customers') }}
    where not is_deleted

),

final as (

    select
        customer_id,
        points,
        joined_at,
        updated_at
    from customers

)

select * from final
