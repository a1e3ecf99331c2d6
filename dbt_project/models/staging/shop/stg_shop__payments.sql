with

payments as (

    select * from {{ source('shop', 'shop_payments') }}
    where not is_deleted

),

final as (

    select
        payment_id,
        order_id,
        method,
        status,
        amount,
        created_at,
        _business_date as business_date,
        updated_at
    from payments

)

select * from final
