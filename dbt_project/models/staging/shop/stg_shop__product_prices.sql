with

product_prices as (

    select * from {{ source('shop', 'shop_product_prices') }}
    where not is_deleted

),

final as (

    select
        product_id,
        valid_from,
        case_price,
        updated_at
    from product_prices

)

select * from final
