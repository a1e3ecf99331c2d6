with recursive

categories as (

    select
        category_id,
        category_name,
        parent_category_id,
        version_day
    from {{ ref('stg_vending__product_categories') }}
    where is_in_history

),

version_days as (

    select distinct version_day from categories

),

-- A list is valid as it was delivered, until the next one: a category that is not on it is not in the tree.
category_lists as (

    select
        version_day,
        case
            when row_number() over (order by version_day) = 1 then {{ beginning_of_time() }}
            else version_day
        end as valid_from,
        coalesce(lead(version_day) over (order by version_day), {{ end_of_time() }}) as valid_to
    from version_days

),

-- A category with an unknown parent is a top category itself.
categories_with_top as (

    select
        categories.version_day,
        categories.category_id,
        categories.category_id as top_category_id,
        categories.category_name as top_category_name
    from categories
    left join categories as parents
        on
            categories.parent_category_id = parents.category_id
            and categories.version_day = parents.version_day
    where parents.category_id is null

    union all

    select
        categories.version_day,
        categories.category_id,
        categories_with_top.top_category_id,
        categories_with_top.top_category_name
    from categories
    inner join categories_with_top
        on
            categories.parent_category_id = categories_with_top.category_id
            and categories.version_day = categories_with_top.version_day

),

final as (

    select
        categories_with_top.category_id,
        category_lists.valid_from,
        category_lists.valid_to,
        categories_with_top.top_category_id,
        categories_with_top.top_category_name
    from categories_with_top
    inner join category_lists
        on categories_with_top.version_day = category_lists.version_day

)

select * from final
