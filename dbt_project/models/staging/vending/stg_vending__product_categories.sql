with

product_categories as (

    select * from {{ source('vending', 'product_categories') }}

),

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}
    where source_name = 'product_categories'

),

final as (

    select
        product_categories.category_id,
        product_categories.category_name,
        product_categories.parent_id as parent_category_id,
        product_categories._file_id as version_id,
        file_versions.version_day,
        file_versions.is_current_version,
        file_versions.is_in_history,
        product_categories._line as line_number
    from product_categories
    inner join file_versions
        on product_categories._file_id = file_versions.file_id
    qualify row_number() over (
        partition by product_categories._file_id, product_categories.category_id
        order by product_categories._line desc
    ) = 1

)

select * from final
