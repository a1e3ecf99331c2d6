with

subscriptions as (

    select * from {{ source('shop', 'shop_subscriptions') }}
    where not is_deleted

),

final as (

    select
        subscription_id,
        customer_id,
        product_id,
        quantity,
        every_days,
        status,
        started_on,
        ended_on,
        updated_at
    from subscriptions

)

select * from final
