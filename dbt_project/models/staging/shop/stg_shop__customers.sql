with

customers as (

    select * from {{ source('shop', 'shop_customers') }}
    where not is_deleted

),

final as (

    select
        customer_id,
        segment,
        prefecture,
        newsletter,
        registered_at,
        updated_at
    from customers

)

select * from final
