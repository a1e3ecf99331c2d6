{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

with

changes as (

    select * from {{ ref('int_price_changes') }}
    where {{ in_window('business_date') }}

),

nearby_changes as (

    select * from {{ ref('int_price_changes') }}
    where {{ in_reach('business_date') }}

),

sales as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_reach('business_date') }}
        and units_sold > 0

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

changed_products as (

    select
        changes.product_id,
        changes.business_date,
        products.product_name,
        products.category_id,
        products.temperature,
        products.list_price
    from changes
    left join products
        on
            changes.product_id = products.product_id
            and {{ valid_on('products', 'changes.business_date') }}

),

-- Season and weather move hot and cold products apart, also within a category.
peers as (

    select
        changed_products.product_id,
        changed_products.business_date,
        products.product_id as peer_id
    from changed_products
    inner join products
        on
            changed_products.category_id = products.category_id
            and changed_products.temperature is not distinct from products.temperature
            and changed_products.product_id <> products.product_id
            and {{ valid_on('products', 'changed_products.business_date') }}
    left join nearby_changes
        on
            products.product_id = nearby_changes.product_id
            and nearby_changes.business_date >= changed_products.business_date - 27
            and nearby_changes.business_date <= changed_products.business_date + 27
    where nearby_changes.product_id is null

),

machines as (

    select distinct
        changes.product_id,
        changes.business_date,
        sales.machine_id
    from changes
    inner join sales
        on
            changes.product_id = sales.product_id
            and sales.business_date between changes.business_date - 28 and changes.business_date + 27

),

peer_sales as (

    select
        machines.product_id,
        machines.business_date,
        count(distinct sales.product_id) as peers,
        sum(case when sales.business_date < machines.business_date then sales.units_sold else 0 end) as units_before,
        sum(case when sales.business_date >= machines.business_date then sales.units_sold else 0 end) as units_after
    from machines
    inner join peers
        on
            machines.product_id = peers.product_id
            and machines.business_date = peers.business_date
    inner join sales
        on
            peers.peer_id = sales.product_id
            and machines.machine_id = sales.machine_id
            and sales.business_date between machines.business_date - 28 and machines.business_date + 27
    group by machines.product_id, machines.business_date

),

final as (

    select
        changed_products.product_id,
        changed_products.business_date,
        changed_products.product_name,
        changed_products.category_id,
        changed_products.list_price,
        cast(coalesce(peer_sales.peers, 0) as bigint) as peers,
        cast(coalesce(peer_sales.units_before, 0) as bigint) as units_before,
        cast(coalesce(peer_sales.units_after, 0) as bigint) as units_after
    from changed_products
    left join peer_sales
        on
            changed_products.product_id = peer_sales.product_id
            and changed_products.business_date = peer_sales.business_date

)

select * from final
