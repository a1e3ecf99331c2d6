with recursive

categories as (

    select
        category_id,
        category_name,
        parent_category_id
    from {{ ref('stg_vending__product_categories') }}
    where is_current_version

),

-- A category with an unknown parent is a top category itself.
top_categories as (

    select
        categories.category_id,
        categories.category_name
    from categories
    left join categories as parents
        on categories.parent_category_id = parents.category_id
    where parents.category_id is null

),

nested as (

    select
        category_id,
        category_name,
        category_id as top_category_id,
        category_name as top_category_name,
        cast(category_name as varchar) as category_path,
        cast(1 as bigint) as category_level
    from top_categories

    union all

    select
        categories.category_id,
        categories.category_name,
        nested.top_category_id,
        nested.top_category_name,
        cast(nested.category_path || ' > ' || categories.category_name as varchar) as category_path,
        cast(nested.category_level + 1 as bigint) as category_level
    from categories
    inner join nested
        on categories.parent_category_id = nested.category_id

)

select * from nested
