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

-- A tree holds as it was delivered, until the next one: a category that it does not list is not in it.
trees as (

    select
        version_day,
        case
            when row_number() over (order by version_day) = 1 then {{ beginning_of_time() }}
            else version_day
        end as valid_from,
        coalesce(lead(version_day) over (order by version_day), {{ end_of_time() }}) as valid_to
    from version_days

),

-- A category whose parent nobody knows stands at the top itself.
nested as (

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
        nested.top_category_id,
        nested.top_category_name
    from categories
    inner join nested
        on
            categories.parent_category_id = nested.category_id
            and categories.version_day = nested.version_day

),

final as (

    select
        nested.category_id,
        trees.valid_from,
        trees.valid_to,
        nested.top_category_id,
        nested.top_category_name
    from nested
    inner join trees
        on nested.version_day = trees.version_day

)

select * from final
