with

products as (

    select * from {{ ref('int_products_versioned') }}
    where is_current

),

categories as (

    select * from {{ ref('int_product_categories_nested') }}

),

final as (

    select
        products.product_id,
        products.jan_code,
        products.product_name,
        products.category_id,
        categories.category_name,
        categories.category_path,
        categories.top_category_id,
        categories.top_category_name,
        cast(products.unit_cost as bigint) as unit_cost,
        cast(products.list_price as bigint) as list_price,
        products.temperature,
        cast(products.shelf_life_days as bigint) as shelf_life_days,
        products.sold_from,
        products.sold_to,
        products.is_listed,
        products.valid_from
    from products
    left join categories
        on products.category_id = categories.category_id

)

select * from final
