with

orders as (

    select * from {{ source('shop', 'shop_orders') }}
    where not is_deleted

),

final as (

    select
        order_id,
        customer_id,
        subscription_id,
        status,
        total,
        ordered_at,
        _business_date as business_date,
        updated_at
    from orders

)

select * from final
