with

products as (

    select * from {{ source('vending', 'products') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'products'

),

final as (

    select
        products.product_id,
        products.jan_code,
        products.product_name,
        products.category_id,
        products.unit_cost,
        products.list_price,
        products.temperature,
        products.shelf_life_days,
        products.sold_from,
        products.sold_to,
        products._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        versions.is_in_history,
        products._line as line_number
    from products
    inner join versions
        on products._file_id = versions.file_id
    qualify row_number() over (
        partition by products._file_id, versions.version_day, products.product_id
        order by products._line desc
    ) = 1

)

select * from final
