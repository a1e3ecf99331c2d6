with

product_categories as (

    select * from {{ source('vending', 'product_categories') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'product_categories'

),

final as (

    select
        product_categories.category_id,
        product_categories.category_name,
        product_categories.parent_id as parent_category_id,
        product_categories._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        versions.is_in_history,
        product_categories._line as line_number
    from product_categories
    inner join versions
        on product_categories._file_id = versions.file_id
    qualify row_number() over (
        partition by product_categories._file_id, versions.version_day, product_categories.category_id
        order by product_categories._line desc
    ) = 1

)

select * from final
