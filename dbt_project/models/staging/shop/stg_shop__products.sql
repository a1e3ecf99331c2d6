with

products as (

    select * from {{ source('shop', 'shop_products') }}
    where not is_deleted

),

final as (

    select
        product_id,
        product_name,
        category_id,
        units_per_case,
        stock,
        is_active,
        updated_at
    from products

)

select * from final
